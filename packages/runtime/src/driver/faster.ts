/**
 * Compares two drivers by measuring. Small models can be slower on a GPU: browsers take 24 to 71
 * microseconds for a dispatch (arXiv 2604.02344), so the 153 dispatches of a token of a 125M model
 * take longer than the whole token on WASM.
 */
import type { Attempt } from './attempts.ts';
import type { Driver } from './driver.ts';

/** Tokens before the first measured ones; tokens of a measurement; measurements. */
const [WARM, TIMED, TIMES] = [4, 8, 3] as const;

/**
 * Milliseconds that a driver takes for a token of greedy decoding in a new sequence: of several
 * short measurements the best, because other programs disturb some. Ends at position 0.
 */
export async function tokenMs(driver: Driver, context: number): Promise<number> {
  const greedy = { temperature: 0, seed: 0 };
  const end = Math.min(WARM + TIMED * TIMES, context - 1);
  let best = Number.POSITIVE_INFINITY;
  driver.position = 0;
  driver.tokens[0] = 0;
  await driver.decode();
  let began = performance.now();
  for (let position = 1; position <= end; position++) {
    driver.tokens[0] = await driver.choose(greedy, end + 1);
    if (position >= WARM && (position - WARM) % TIMED === 0) {
      const now = performance.now();
      if (position > WARM) best = Math.min(best, (now - began) / TIMED);
      began = now;
    }
    if (position < end) await driver.decode();
  }
  driver.position = 0;
  // in a context too short for one measurement, the time of all its tokens
  return best < Number.POSITIVE_INFINITY ? best : (performance.now() - began) / end;
}

/**
 * The result: `ratio` is the time of a token on the first driver, relative to that on the other.
 */
export interface Comparison {
  /** The driver of the other attempt if it is faster; otherwise null. */
  readonly faster: Driver | null;
  /** Milliseconds of a token on the first driver. */
  readonly ms: number;
  readonly ratio: number;
}

/**
 * Opens `other` and compares it with `driver`; the slower of both is disposed. `slower` says in a
 * sentence for people that `driver` is slower, given its ms per token. Throws what a driver or the
 * attempt throws; `driver` stays open then.
 */
export async function compare(
  driver: Driver,
  other: Attempt,
  context: number,
  slower: (ms: number) => string,
): Promise<Comparison> {
  const ms = await tokenMs(driver, context);
  const second = await other.open([slower(ms)]);
  try {
    const ratio = ms / (await tokenMs(second, context));
    (ratio > 1 ? driver : second).dispose();
    return { faster: ratio > 1 ? second : null, ms, ratio };
  } catch (cause) {
    second.dispose();
    throw cause;
  }
}
