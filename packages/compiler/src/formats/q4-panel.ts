/**
 * q4 for a tile of tokens. A panel of eight rows of a block is unpacked once; then each loaded
 * vector is multiplied with several tokens.
 *
 * Relaxed SIMD: nibbles become bytes, and scales become pairs of 16 bits (lanes of 32 with
 * AVX-VNNI), so a group needs only dots and additions. Eight rows by three tokens use fifteen of
 * sixteen vector registers: 75 billion products a second, against 29 with one token at a time.
 *
 * Plain SIMD: codes times group scales become 16-bit weights, after which groups no longer matter.
 */
import { add, apply, type Builder, constant, type Index, load, loadSplat, mul, plus, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { Features } from '../loops/types.ts';
import type { Activations, Scratch } from './format.ts';
import { upTo } from './integer.ts';

/**
 * Byte dots: products of nibbles, as bytes, with activations, and the scaling of a group's sums.
 */
export interface ByteDots {
  /** Type of the sums: pairs of columns in 16 bits, or all four columns in 32. */
  readonly type: 'i16x8' | 'i32x4';
  add(sum: Expr, x: Expr, nibbles: Expr): Expr;
  /** The second operand of `spread`, made once outside loops. */
  readonly order: 'spreadOrder' | 'widenOrder';
  /** Spreads the scales of four rows from the low bytes to the form that `scaled` takes. */
  spread(scales: Expr, order: Expr): Expr;
  /** Sums of a group times its scales, i32x4 for four rows. */
  scaled(sum: Expr, scales: Expr): Expr;
}

const relaxed: ByteDots = {
  type: 'i16x8',
  add: (sum, x, nibbles) => add(sum, apply('dotBytes', x, nibbles)),
  order: 'spreadOrder',
  spread: (scales, order) => apply('spreadBytes', scales, order),
  scaled: (sum, scales) => apply('dotPairs', sum, scales),
};

const vnni: ByteDots = {
  type: 'i32x4',
  add: (sum, x, nibbles) => apply('dotAdd', x, nibbles, sum),
  order: 'widenOrder',
  spread: (scales, order) => apply('widenBytes', scales, order),
  scaled: (sum, scales) => mul(sum, scales),
};

/** The byte dots with these features; null where there are none. */
export function byteDots(features: Features): ByteDots | null {
  return features.has('vnni') ? vnni : features.has('relaxed') ? relaxed : null;
}

/** Words per vector. */
const VECTOR = 4;
/**
 * For every four rows, a group of 32 columns has this many vectors of four columns, and one vector
 * of scales.
 */
const WORDS = 8;

/** Tokens multiplied with a byte panel together. */
export const BYTE_TOKENS = 3;

/**
 * Words of one group of a byte panel: [8 words of columns][rows/4] vectors, then [rows/4] vectors
 * of scales.
 */
const groupWords = (vectors: number): number => (WORDS + 1) * vectors * VECTOR;

/** Bytes of a byte panel. */
export const bytePanelBytes = (rows: number, groups: number): number => groups * groupWords(rows / 4) * 4;

/** The packed group from which a panel is unpacked. */
export interface PackedGroup {
  /** Codes, each + 8, of rows 4v..4v+3 at columns 8j..8j+7, i8x16. */
  weights(j: Index, v: number): Expr;
  /** Group scales of rows 4v..4v+3 in the low four bytes, i8x16. */
  scales(v: number): Expr;
}

/** Writes the statements that unpack group `g` into a byte panel. */
export function unpackBytes(
  b: Builder,
  bytes: ByteDots,
  { buffer, at }: Scratch,
  vectors: number,
  g: Expr,
  { weights, scales }: PackedGroup,
  constants: { readonly mask: Expr; readonly order: Expr },
): void {
  const to = b.let('to', plus(at, times(g, groupWords(vectors))));
  b.loop('unroll', 'j', { to: WORDS / 2 }, (inner, j) => {
    for (const v of upTo(vectors)) {
      const w = inner.let('w', weights(j, v));
      const low = plus(to, plus(times(j, 2 * vectors * VECTOR), v * VECTOR));
      inner.store(buffer, low, apply('nibblesLow', w, constants.mask));
      inner.store(buffer, plus(low, vectors * VECTOR), apply('nibblesHigh', w, constants.mask));
    }
  });
  for (const v of upTo(vectors))
    b.store(buffer, plus(to, (WORDS * vectors + v) * VECTOR), bytes.spread(scales(v), constants.order));
}

/**
 * Writes the loop that multiplies a byte panel with BYTE_TOKENS tokens from `firstToken` on.
 * Returns integer sums of rows 4v..4v+3.
 */
export function byteDot(
  b: Builder,
  bytes: ByteDots,
  { buffer, at }: Scratch,
  vectors: number,
  x: Activations,
  firstToken: Index,
): (t: number, v: number) => Expr {
  const tokens = upTo(BYTE_TOKENS);
  const sums = b.registers('sums', BYTE_TOKENS * vectors, constant('i32x4', 0));
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
    for (const v of upTo(vectors)) {
      const scale = perGroup.let('scale', load(buffer, plus(panelAt, (WORDS * vectors + v) * VECTOR), bytes.type));
      for (const t of tokens) {
        const sum = t * vectors + v;
        sums.set(add(sums.get(sum), bytes.scaled(acc[t]!.get(v), scale)), sum);
      }
    }
  });
  return (t, v) => sums.get(t * vectors + v);
}
