/**
 * q8 for a tile of tokens in exact 16-bit dots. The rows of a panel are widened once, so that a token
 * costs only loads and dots.
 */
import { add, apply, type Builder, constant, type Index, load, loadSplat, plus, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { Activations, Scratch } from './format.ts';
import { pairSums, upTo } from './integer.ts';

/** Tokens multiplied with a widened panel together: with eight rows, eight sums. */
export const WIDE_TOKENS = 2;

/** Bytes of a widened panel: [columns/4][rows/2] vectors of 2 rows x 4 columns, 16 bits each. */
export const wideBytes = (rows: number, columns: number): number => rows * columns * 2;

/** Offset in a widened panel of the vector of rows 2i and 2i+1 at columns 4j..4j+3, in words. */
export function wideAt(at: Index, rows: number, j: Index, i: Index): Expr {
  return plus(at, plus(times(j, rows * 2), times(i, 4)));
}

/** Writes the loop that multiplies a widened panel with WIDE_TOKENS tokens from `firstToken` on; returns integer sums of rows 4v..4v+3. */
export function wideDot(
  b: Builder,
  { buffer, at }: Scratch,
  rows: number,
  columns: number,
  x: Activations,
  firstToken: Index,
): (t: number, v: number) => Expr {
  const pairs = rows / 2;
  const words = columns / 4;
  const unrolled = [4, 2, 1].find((n) => words % n === 0)!;
  const acc = b.registers('acc', WIDE_TOKENS * pairs, constant('i32x4', 0));
  const xRows = upTo(WIDE_TOKENS).map((t) => b.let('xRow', times(plus(firstToken, t), x.stride / 4)));
  b.loop('serial', 'k', { to: words, step: unrolled }, (body, k) => {
    const panelAt = body.let('panelAt', wideAt(at, rows, k, 0));
    const xAt = xRows.map((row) => body.let('xAt', plus(row, k)));
    body.loop('unroll', 'j', { to: unrolled }, (perWord, j) => {
      const xj = xAt.map((from) => perWord.let('xj', apply('widenLow', loadSplat(x.values, plus(from, j), 'i8x16'))));
      perWord.loop('unroll', 'i', { to: pairs }, (perPair, i) => {
        const w = perPair.let('w', load(buffer, wideAt(panelAt, rows, j, i), 'i16x8'));
        xj.forEach((xt, t) => {
          const sum = plus(i, t * pairs);
          acc.set(add(acc.get(sum), apply('dotPairs', w, xt)), sum);
        });
      });
    });
  });
  return (t, v) => pairSums(acc.get(t * pairs + 2 * v), acc.get(t * pairs + 2 * v + 1));
}
