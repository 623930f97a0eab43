/**
 * Warming up while weights arrive. Engines run new code slowly at first and compile it again, better, once it has worked for a while: until then
 * a token takes up to ten times as long, and with several threads the slowest has all wait. So the first row of each kind is run over and over
 * on whatever lies in memory, by all threads, for as long as there is something to wait for. Its results are never read: state behind the
 * position is not, and the position is the start.
 */
import type { Manifest } from './manifest.ts';

/** Runs of a row, and ms spent on them, after which an engine has long made up its mind. */
const RUNS = 200;
const SPENT_MS = 150;

/** Runs the row that a table of one row at this address is, for one token. */
export type RunRow = (address: number) => void;

/** Runs rows until all are warm or `enough` says so; lets go of the thread in between, so that weights can arrive. */
export async function warmUp({ memory, rowWords, table }: Manifest, run: RunRow, enough: () => boolean): Promise<void> {
  const kinds = new Set(table.map(({ kind }) => kind));
  const cold = [...kinds].map((wanted) => {
    const row = table.findIndex(({ kind }) => kind === wanted);
    return { address: memory.table.offset + 4 * rowWords * row, runs: 0, spentMs: 0 };
  });
  while (!enough()) {
    const rest = cold.filter(({ runs, spentMs }) => runs < RUNS && spentMs < SPENT_MS);
    if (rest.length === 0) return;
    for (const row of rest) {
      const began = performance.now();
      run(row.address);
      row.runs++;
      row.spentMs += performance.now() - began;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}
