/**
 * Warms kernels up while weights arrive. Engines run new code slowly at first and optimise it after
 * some time: until then a token takes up to ten times as long, and with several threads all wait
 * for the slowest. So all threads run the first row of each kind repeatedly, on whatever data is in
 * memory, while loading waits anyway. The results are never read: the position stays 0, and state
 * beyond the position is not read.
 *
 * The weights of a small model arrive before its kernels are warm, so loading then waits a little
 * longer. Otherwise the engine would compile during the first answer and slow down drawing
 * (Chromium shapes a page's text on the threads that compile, and made a page wait for 60 ms and
 * more).
 */
import type { Manifest } from '../manifest/manifest.ts';
import { rowAddress } from '../step.ts';

/** Runs of a row, or milliseconds spent on it, after which engines have optimised it. */
const RUNS = 200;
const SPENT_MS = 40;
/** Milliseconds that a row runs before other rows and messages get their turn. */
const TURN_MS = 1;
/** The longest useful wait after the last weight, in milliseconds. */
export const WARM_MS = 150;

/** Runs the row at this address, as a token or as a prompt. */
export type RunRow = (address: number) => void;

/**
 * Runs the first row of each kind, in each of `ways`, until all are warm or `enough()` is true,
 * which is tested before each run. Returns to the event loop in between, so that weights can
 * arrive.
 */
export async function warmUp(manifest: Manifest, ways: readonly RunRow[], enough: () => boolean): Promise<void> {
  const kinds = new Set(manifest.table.map(({ kind }) => kind));
  const cold = [...kinds].flatMap((wanted) => {
    const row = manifest.table.findIndex(({ kind }) => kind === wanted);
    const address = rowAddress(manifest, row);
    return ways.map((run) => ({ run: () => run(address), runs: 0, spentMs: 0 }));
  });
  for (;;) {
    const rest = cold.filter(({ runs, spentMs }) => runs < RUNS && spentMs < SPENT_MS);
    if (rest.length === 0) return;
    for (const row of rest) {
      if (enough()) return;
      const began = performance.now();
      let ran: number;
      do {
        row.run();
        row.runs++;
        ran = performance.now() - began;
      } while (ran < TURN_MS && row.runs < RUNS);
      row.spentMs += ran;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}
