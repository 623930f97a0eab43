/** Measures the plain reads of `reads.ts` in this engine. Pages run it too. */
import type { ReadSpeed } from '../contract.ts';

export interface ReadWork {
  /** The bytes of a module with `read(bytes, times)` and its memory. */
  readonly module: readonly number[];
  /** Working sets in bytes. */
  readonly sizes: readonly number[];
}

/** A run takes some milliseconds, so that the steps of the clock do not matter. */
const RUN_BYTES = 32 << 20;
const RUNS = 12;

/** The best of several runs for each working set. */
export async function readSpeeds({ module, sizes }: ReadWork): Promise<readonly ReadSpeed[]> {
  const { instance } = await WebAssembly.instantiate(new Uint8Array(module));
  const { read, memory } = instance.exports as unknown as {
    readonly read: (bytes: number, times: number) => number;
    readonly memory: WebAssembly.Memory;
  };
  // Untouched pages are all the same page of zeros.
  new Uint8Array(memory.buffer).fill(1);
  const speeds: ReadSpeed[] = [];
  for (const size of sizes) {
    const times = Math.max(1, Math.round(RUN_BYTES / size));
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      read(size, times);
      best = Math.min(best, performance.now() - start);
    }
    speeds.push({ workingSetBytes: size, gbPerSecond: (size * times) / best / 1e6 });
    // Lets a page draw.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return speeds;
}
