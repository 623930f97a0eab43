/**
 * Loads a package in a worker that records every request, so that the time after the last byte of
 * the weights is known. Then generates its first tokens, one at a time.
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
  /** For each of this instance's first tokens. */
  readonly tokenMs: readonly number[];
  /** The engine's time to compile the chosen module. */
  readonly compileMs: number;
  readonly kernels: string;
}

interface Package {
  load(url?: string, options?: { device: 'wasm'; threads: number }): Promise<Model>;
}

self.onmessage = async ({ data: { folder, threads, tokens } }: MessageEvent<LoadOrder>) => {
  // Computes in this thread, which records requests; `index.js` would start a worker.
  const { load } = (await import(`${folder}node.js`)) as Package;
  const began = performance.now();
  const model = await load(undefined, { device: 'wasm', threads });
  const ready = performance.now();
  const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
  const arrived = files.filter(({ name }) => name.includes('/weights-')).map(({ responseEnd }) => responseEnd);
  const watch = stopwatch();
  for await (const _ of model.generate([1], { maxTokens: tokens, eos: [], lookup: false })) watch.token();
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
