/** The runtime with all its parts, for whoever loads packages that are not known beforehand and has them at hand: the studio, tests. */
import type { LoadOptions, Model } from './face.ts';
import * as model from './model.ts';
import type { PackageFiles } from './package-files.ts';
import { loadTokenizer } from './tokenizer.ts';
import { openWebGpu } from './webgpu.ts';

/** As `load` of `model.ts`. Several threads need `workerScript`, the URL of a script that is `serveThread` (`thread.ts`). */
export function load(files: PackageFiles, options?: LoadOptions, workerScript = ''): Promise<Model> {
  return model.load(files, { loadTokenizer, openWebGpu, workerScript }, options);
}
