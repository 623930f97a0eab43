/**
 * One thread of the lab: instantiates the module on the shared memory, then runs commands between
 * barriers.
 */
import type { LabAnswer, LabOrder } from './lab.ts';

let exports: Record<string, (...args: number[]) => unknown> = {};

self.onmessage = async ({ data }: MessageEvent<LabOrder>) => {
  const times: [number, number][] = [];
  if ('module' in data) {
    const instance = await WebAssembly.instantiate(data.module, { env: { memory: data.memory } });
    exports = instance.exports as typeof exports;
  } else {
    for (let i = 0; i < data.repetitions; i++) {
      exports.barrier!(data.threads);
      const began = now();
      exports[data.call]!(...data.args);
      times.push([began, now()]);
    }
  }
  self.postMessage(times satisfies LabAnswer);
};

/** The time on a clock that all workers share. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
