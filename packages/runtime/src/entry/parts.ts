/**
 * What not every package needs of the runtime. A package's scripts are put together with the parts it needs, and carry no others; that they
 * are handed over as values, and not imported where they are used, is what lets any bundler take the scripts as they are.
 */

import type { openWebGpu } from '../gpu/webgpu.ts';
import type { loadTokenizer } from '../text/tokenizer.ts';

export interface Parts {
  readonly loadTokenizer?: typeof loadTokenizer;
  readonly openWebGpu?: typeof openWebGpu;
}

/** The parts, and where threads come from: the URL of the script `worker.js`, which is a thread as well. */
export interface Surroundings extends Parts {
  readonly workerScript: string;
}
