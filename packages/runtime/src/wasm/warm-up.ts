/**
 * Warming up while weights arrive. Engines run new code slowly at first and compile it again, better, once it has worked for a while: until then
 * a token takes up to ten times as long, and with several threads the slowest has all wait. So the first row of each kind is run over and over
 * on whatever lies in memory, by all threads, for as long as there is something to wait for. Its results are never read: state behind the
 * position is not, and the position is the start.
 *
 * A small model's weights are there before its kernels are warm. It is waited for a little longer: what an engine compiles beside an answer takes
 * the processor from whoever draws it (Chromium shapes a page's text on the threads that compile, and made a page wait for 60 ms and more).
 */
import type { Manifest } from '../manifest/manifest.ts';
import { rowAddress } from '../step.ts';

/** Runs of a row, and ms spent on them, after which an engine has made up its mind. */
const RUNS = 200;
const SPENT_MS = 40;
/** A row runs for so many ms before others get their turn, and messages theirs. */
const TURN_MS = 1;
/** Most ms that it is worth waiting for after the last weight. */
export const WARM_MS = 150;

/** Runs the row at this address, in one of the ways in which rows run. */
export type RunRow = (address: number) => void;

/**
 * Runs rows, each in every way, until all are warm or `enough` says so, which is asked before each. Lets go of the thread in between, so that weights
 * can arrive.
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
