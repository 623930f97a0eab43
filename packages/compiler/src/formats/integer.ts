/**
 * What the integer formats share: scaling, and the multiplication of a tile with a panel of rows in
 * exact 16-bit dots. The rows of a panel are widened once (and multiplied with their group's scale,
 * if the format has groups; the product has 12 bits), so each token needs only loads and dots.
 */
import {
  add,
  apply,
  applyLanes,
  type Builder,
  constant,
  type Index,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  remainder,
  times,
} from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import { type Activations, type MatrixShape, panelRows, type Scratch } from './format.ts';

/** 0, 1, ... n - 1. */
export const upTo = (n: number): readonly number[] => [...Array(n).keys()];

/**
 * Converts integer sums of four rows, i32x4, to f32x4: times the scales of the rows and of the
 * token.
 */
export function scaled(rowScales: Expr | null, x: Activations, token: Index, sums: Expr): Expr {
  return mul(apply('toFloat', sums), mul(rowScales!, loadSplat(x.scales!, token, 'f32x4')));
}

/** The block that contains a panel, and the panel's first row in it. */
export function placeOf(panel: Index, shape: MatrixShape): { readonly block: Expr; readonly inBlock: Expr } {
  const rows = panelRows(shape);
  const panels = shape.block / rows;
  return { block: quotient(panel, panels), inBlock: times(remainder(panel, panels), rows) };
}

/** Sums of four rows from those of rows 0-1 and of rows 2-3, two lanes per row. */
export function pairSums(low: Expr, high: Expr): Expr {
  return add(applyLanes('shuffle', [0, 2, 4, 6], low, high), applyLanes('shuffle', [1, 3, 5, 7], low, high));
}

/** Tokens multiplied with a widened panel together: with eight rows, that is eight sums. */
export const WIDE_TOKENS = 2;

/** Bytes of a widened panel: [columns/4][rows/2] vectors of 2 rows x 4 columns, 16 bits each. */
export const wideBytes = (rows: number, columns: number): number => rows * columns * 2;

/** The word offset, in a widened panel, of the vector of rows 2i and 2i+1 at columns 4j..4j+3. */
export function wideAt(at: Index, rows: number, j: Index, i: Index): Expr {
  return plus(at, plus(times(j, rows * 2), times(i, 4)));
}

/**
 * Writes the loop that multiplies a widened panel with WIDE_TOKENS tokens from `firstToken` on.
 * Returns integer sums of rows 4v..4v+3.
 */
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
