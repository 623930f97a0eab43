/** Measures packages in this process, imported like in an app. */
import { availableParallelism, cpus } from 'node:os';
import { open } from '../api/load.ts';
import { readSpeeds } from '../profile/read-speed.ts';
import { type Host, measured } from './host.ts';

export const nodeHost: Host = {
  name: 'node',
  async open(found, on) {
    const start = performance.now();
    const model = await open(found, on);
    const loadMs = performance.now() - start;
    const { manifest, running } = model;
    return {
      manifest,
      loadMs,
      running,
      run: (work) => measured(model, work),
      close: async () => model.dispose(),
    };
  },
  about: async () => ({
    device: cpus()[0]?.model.trim() ?? process.arch,
    engine: `Node ${process.versions.node}, V8 ${process.versions.v8}`,
    cores: availableParallelism(),
  }),
  reads: readSpeeds,
  close: async () => {},
};
