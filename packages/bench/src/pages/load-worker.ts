/**
 * Loads a package in a worker, where every request is on record, so that the time after the last byte of the weights is known. Then gives a
 * few tokens, the first ever, one at a time.
 */
import type { Model } from '@lamella/runtime/api';
import { stopwatch } from '../contender.ts';

export interface LoadOrder {
  readonly folder: string;
  readonly threads: number;
  readonly tokens: number;
}
export interface LoadAnswer {
  /** From the call of `load`. */
  readonly loadMs: number;
  /** From the arrival of the last byte of the weights. */
  readonly readyMs: number;
  /** Each of the first tokens of this instance. */
  readonly tokenMs: readonly number[];
  /** What the engine takes to compile the module that was chosen. */
  readonly compileMs: number;
  readonly kernels: string;
}

interface Package {
  load(url?: string, options?: { device: 'wasm'; threads: number }): Promise<Model>;
}

self.onmessage = async ({ data: { folder, threads, tokens } }: MessageEvent<LoadOrder>) => {
  // Computes in this thread, where requests are on record: `index.js` would start a worker.
  const { load } = (await import(`${folder}node.js`)) as Package;
  const began = performance.now();
  const model = await load(undefined, { device: 'wasm', threads });
  const ready = performance.now();
  const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
  const arrived = files.filter(({ name }) => name.includes('/weights-')).map(({ responseEnd }) => responseEnd);
  const watch = stopwatch();
  for await (const _ of model.generate([1], { maxTokens: tokens, eos: [] })) watch.token();
  const { kernels } = model.running;
  const bytes = await (await fetch(`${folder}${kernels}`)).arrayBuffer();
  const compiling = performance.now();
  await WebAssembly.compile(bytes);
  const answer: LoadAnswer = {
    loadMs: ready - began,
    readyMs: ready - Math.max(...arrived),
    tokenMs: [watch.generated.firstMs, ...watch.generated.tokenMs],
    compileMs: performance.now() - compiling,
    kernels,
  };
  model.dispose();
  self.postMessage(answer);
};
