/** The bare kernels in workers of a page, one per thread, over one shared memory. */
import { instructionSets } from '@lamella/runtime/kernels';
import { activations, type LabSet } from '../lab/kernel.ts';
import { addresses } from '../lab/module.ts';

/**
 * A command to a worker, and its answer: for each repetition when it began and ended, in ms since
 * the epoch.
 */
export type LabOrder =
  | { readonly module: WebAssembly.Module; readonly memory: WebAssembly.Memory }
  | { readonly call: string; readonly args: readonly number[]; readonly threads: number; readonly repetitions: number };
export type LabAnswer = readonly (readonly [began: number, ended: number])[];

export interface Lab {
  /**
   * Runs `call(thread, threads, ...args)` on all threads at once, `repetitions` times. Returns ms,
   * from the earliest start to the latest end.
   */
  run(call: string, args: readonly number[], threads: number, repetitions: number): Promise<number[]>;
}

/**
 * Starts `threads` workers from `script` with the first module of `labModule` that this engine has
 * the instructions for, and a memory of `pages`; weights are filled with one pattern.
 */
export async function openLab(
  script: string,
  modules: readonly (readonly [set: LabSet, wasm: string])[],
  pages: number,
  threads: number,
): Promise<Lab> {
  const sets = instructionSets();
  const chosen = modules.find(([set]) => sets.includes(set));
  if (!chosen) throw new Error(`this engine has none of ${modules.map(([set]) => set).join(', ')}`);
  const module = await WebAssembly.compile(await (await fetch(chosen[1])).arrayBuffer());
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  // touches every page; as a scale, the pattern is finite
  new Uint8Array(memory.buffer).fill(0x11, 1 << 16);
  // a subnormal product would take many times as long
  new Float32Array(memory.buffer, addresses.activations + activations.scales, 256).fill(2 ** 112);
  const workers = Array.from({ length: threads }, () => new Worker(script, { type: 'module' }));
  const ask = (worker: Worker, order: LabOrder) =>
    new Promise<LabAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<LabAnswer>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(order);
    });
  for (const worker of workers) await ask(worker, { module, memory });
  return {
    async run(call, args, threads, repetitions) {
      const answers = await Promise.all(
        workers
          .slice(0, threads)
          .map((worker, thread) => ask(worker, { call, args: [thread, threads, ...args], threads, repetitions })),
      );
      return Array.from({ length: repetitions }, (_, i) => {
        const began = answers.map((times) => times[i]![0]);
        const ended = answers.map((times) => times[i]![1]);
        return Math.max(...ended) - Math.min(...began);
      });
    },
  };
}
