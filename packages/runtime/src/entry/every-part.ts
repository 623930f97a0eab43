/**
 * The runtime with all its parts, for callers that load any package from its files: the studio and
 * tests.
 */
import type { LoadOptions, Model } from '../api.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { openWebGpu } from '../gpu/webgpu.ts';
import * as model from '../model/model.ts';
import { loadChat } from '../text/chat-template.ts';
import { loadTokenizer } from '../text/tokenizer.ts';

const loadConstraints = () => import('../constraint/constraint.ts');

/**
 * Like `load` of `model.ts`. Several threads need `workerScript`: the URL of a script that runs
 * `serveThread` (`thread.ts`).
 */
export function load(files: PackageFiles, options?: LoadOptions, workerScript = ''): Promise<Model> {
  return model.load(files, { loadTokenizer, loadChat, openWebGpu, workerScript, loadConstraints }, options);
}
