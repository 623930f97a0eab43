/** Measures packages in this process, imported like in an app. */
import { openPackage } from '../package/open-package.ts';
import { type Host, measured } from './host.ts';

export const nodeHost: Host = {
  async open(folder, on) {
    const start = performance.now();
    const model = await openPackage(folder, on);
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
  close: async () => {},
};
