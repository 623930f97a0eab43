/** Packages in this process, imported as an app imports them. */
import { openPackage } from '../open-package.ts';
import { type Host, measured } from './host.ts';

export const nodeHost: Host = {
  async open(folder, threads) {
    const start = performance.now();
    const model = await openPackage(folder, { threads });
    const loadMs = performance.now() - start;
    const { manifest, running } = model;
    return {
      manifest,
      loadMs,
      threads: running.threads,
      run: (work) => measured(model, work),
      close: async () => model.dispose(),
    };
  },
  close: async () => {},
};
