/**
 * The runtime with all its parts, for callers that load any package from its files: the studio and
 * tests.
 */
import type { LoadOptions, Model } from '../api.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { openWebGpu } from '../gpu/webgpu.ts';
import { checkManifest } from '../manifest/check-manifest.ts';
import * as model from '../model/load.ts';
import { loadChat } from '../text/chat-template.ts';
import { loadTexts } from '../text/texts.ts';

const loadConstraints = () => import('../constraint/constraint.ts');

/**
 * Like `load` of `model/load.ts`. Several threads need `workerScript`: the URL of a script that
 * runs `serveThread` (`thread.ts`).
 */
export function load(files: PackageFiles, options?: LoadOptions, workerScript = ''): Promise<Model> {
  const parts = { loadTexts, loadChat, openWebGpu, loadConstraints, checkManifest };
  return model.load(files, { ...parts, workerScript }, options);
}
