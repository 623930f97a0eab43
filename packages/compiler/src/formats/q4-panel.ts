/**
 * q4 for a tile of tokens. Eight rows of a block, a panel, are unpacked once: nibbles to bytes,
 * scales to f32. Then several tokens at a time are multiplied with every loaded vector. Eight rows by
 * three tokens take fifteen of sixteen vector registers: 75 billion products a second, against 29 for
 * one token at a time.
 */
import { add, apply, type Builder, constant, type Index, load, loadSplat, mul, plus, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { Features } from '../loops/types.ts';
import type { Activations, Scratch } from './format.ts';
import { upTo } from './integer.ts';

/** Byte dots of activations with nibbles. */
export interface ByteDots {
  /** The type of a sum: pairs of columns in 16 bits, or all four in 32. */
  readonly type: 'i16x8' | 'i32x4';
  add(sum: Expr, x: Expr, nibbles: Expr): Expr;
  /** The complete sums i32x4 of four rows. */
  whole(sum: Expr): Expr;
}

const relaxed: ByteDots = {
  type: 'i16x8',
  add: (sum, x, nibbles) => add(sum, apply('dotBytes', x, nibbles)),
  whole: (sum) => apply('addPairs', sum),
};

const vnni: ByteDots = {
  type: 'i32x4',
  add: (sum, x, nibbles) => apply('dotAdd', x, nibbles, sum),
  whole: (sum) => sum,
};

/** The byte dots of these features; null if there are none. */
export function byteDots(features: Features): ByteDots | null {
  return features.has('vnni') ? vnni : features.has('relaxed') ? relaxed : null;
}

/** Words of a vector. */
const VECTOR = 4;
/** Vectors of four columns in a group of 32, for every four rows; one more holds their scales. */
const WORDS = 8;

/** Tokens that meet a byte panel together. */
export const BYTE_TOKENS = 3;

/** Words of one group of a byte panel: [8 words of columns][rows/4] vectors, then [rows/4] vectors of scales. */
const groupWords = (vectors: number): number => (WORDS + 1) * vectors * VECTOR;

/** Bytes of a byte panel. */
export const bytePanelBytes = (rows: number, groups: number): number => groups * groupWords(rows / 4) * 4;

/** The packed group a panel is unpacked from. */
export interface PackedGroup {
  /** Codes, + 8, of rows 4v..4v+3 at columns 8j..8j+7, i8x16. */
  weights(j: Index, v: number): Expr;
  /** Scales of rows 4v..4v+3, f32x4. */
  scales(v: number): Expr;
  /** 15 in every byte. */
  readonly mask: Expr;
}

/** Writes the statements that unpack group `g` into a byte panel. */
export function unpackGroup(
  b: Builder,
  { buffer, at }: Scratch,
  vectors: number,
  g: Expr,
  { weights, scales, mask }: PackedGroup,
): void {
  const to = b.let('to', plus(at, times(g, groupWords(vectors))));
  b.loop('unroll', 'j', { to: WORDS / 2 }, (inner, j) => {
    for (const v of upTo(vectors)) {
      const w = inner.let('w', weights(j, v));
      const low = plus(to, plus(times(j, 2 * vectors * VECTOR), v * VECTOR));
      inner.store(buffer, low, apply('nibblesLow', w, mask));
      inner.store(buffer, plus(low, vectors * VECTOR), apply('nibblesHigh', w, mask));
    }
  });
  for (const v of upTo(vectors)) b.store(buffer, plus(to, (WORDS * vectors + v) * VECTOR), scales(v));
}

/** Writes the loop that multiplies a byte panel with BYTE_TOKENS tokens from `firstToken` on; returns the dot products of rows 4v..4v+3. */
export function byteDot(
  b: Builder,
  bytes: ByteDots,
  { buffer, at }: Scratch,
  vectors: number,
  x: Activations,
  firstToken: Index,
): (t: number, v: number) => Expr {
  const tokens = upTo(BYTE_TOKENS);
  const sums = b.registers('sums', BYTE_TOKENS * vectors, constant('f32x4', 0));
  const xRows = tokens.map((t) => b.let('xRow', times(plus(firstToken, t), x.stride / 4)));
  const sumRows = tokens.map((t) => b.let('sumRow', times(plus(firstToken, t), x.groups)));
  b.loop('serial', 'g', { to: x.groups }, (perGroup, g) => {
    const panelAt = perGroup.let('panelAt', plus(at, times(g, groupWords(vectors))));
    const xAt = xRows.map((row) => perGroup.let('xAt', plus(row, times(g, WORDS))));
    const acc = sumRows.map((row) =>
      perGroup.registers('acc', vectors, perGroup.let('start', loadSplat(x.sums!, plus(row, g), bytes.type))),
    );
    perGroup.loop('unroll', 'j', { to: WORDS }, (perWord, j) => {
      const from = plus(panelAt, times(j, vectors * VECTOR));
      const w = upTo(vectors).map((v) => perWord.let('w', load(buffer, plus(from, v * VECTOR), 'i8x16')));
      for (const t of tokens) {
        const xj = perWord.let('xj', loadSplat(x.values, plus(xAt[t]!, j), 'i8x16'));
        for (const v of upTo(vectors)) acc[t]!.set(bytes.add(acc[t]!.get(v), xj, w[v]!), v);
      }
    });
    for (const t of tokens) {
      const xScale = perGroup.let('xScale', loadSplat(x.scales!, plus(sumRows[t]!, g), 'f32x4'));
      for (const v of upTo(vectors)) {
        const scale = load(buffer, plus(panelAt, (WORDS * vectors + v) * VECTOR), 'f32x4');
        const sum = t * vectors + v;
        const dots = apply('toFloat', bytes.whole(acc[t]!.get(v)));
        sums.set(add(sums.get(sum), mul(dots, mul(scale, xScale))), sum);
      }
    }
  });
  return (t, v) => sums.get(t * vectors + v);
}
