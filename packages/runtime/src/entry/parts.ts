/**
 * The parts of the runtime that not every package needs. Each package's scripts import only the
 * parts that it needs and pass them on as values, so that every bundler can take the scripts
 * without configuration.
 */

import type { openWebGpu } from '../gpu/webgpu.ts';
import type { checkManifest } from '../manifest/check-manifest.ts';
import type { loadChat } from '../text/chat-template.ts';
import type { loadTexts } from '../text/texts.ts';

/** The module of constraints, which is loaded when it is first used. */
export type LoadConstraints = () => Promise<Pick<typeof import('../constraint/constraint.ts'), 'Constrainer'>>;

export interface Parts {
  readonly loadTexts?: typeof loadTexts;
  readonly loadChat?: typeof loadChat;
  readonly openWebGpu?: typeof openWebGpu;
  /** Only in Node. */
  readonly checkManifest?: typeof checkManifest;
  /**
   * Only for packages with a tokenizer. Rejects with L415 to L424 or L461 if it cannot be loaded.
   */
  readonly loadConstraints?: LoadConstraints;
}

/** The parts, and the script that threads run: the URL of `worker.js`. */
export interface Surroundings extends Parts {
  readonly workerScript: string;
}
