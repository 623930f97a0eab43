/**
 * q8: W8A8 (MobileLLM, arXiv 2402.14905, section 4.4). Weights are int8 with one f32 scale per row,
 * activations int8 with one f32 scale per token. Layout of four rows: for every four columns, a
 * vector of 4 rows x 4 columns; then four f32 scales. This order suits an exact 16-bit dot, a
 * relaxed 8-bit dot and a GPU's packed dot.
 */
import {
  add,
  apply,
  type Builder,
  constant,
  type Index,
  i32,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  remainder,
  times,
} from '../loops/build.ts';
import { roundHalfEven } from '../loops/intrinsics.ts';
import type { Expr, KernelBuffer } from '../loops/ir.ts';

import { padded } from '../program/packs.ts';
import {
  type Activations,
  type BlockShape,
  type Format,
  type MatrixShape,
  matrixBytes,
  type Panel,
  panelRows,
} from './format.ts';
import { pairSums, placeOf, storedAt, upTo, VECTOR_ROWS } from './integer.ts';
import { WIDE_TOKENS, wideAt, wideBytes, wideDot } from './q8-wide.ts';

/** Words of activations per iteration: enough to make loop overhead small beside the dots. */
const UNROLLED = 4;

const codesBytes = ({ depth }: BlockShape): number => VECTOR_ROWS * padded(depth, 4);
const storedBytes = (shape: BlockShape): number => codesBytes(shape) + VECTOR_ROWS * 4;

/** The scales of rows 4v..4v+3 of a block. */
function rowScales([, scales]: readonly KernelBuffer[], shape: MatrixShape, block: Index, vector: Index): Expr {
  return load(scales!, plus(storedAt(shape, block, vector, 4), codesBytes(shape) / 4), 'f32x4');
}

/** Integer sums of four rows, i32x4, as f32x4: times the scales of the rows and of the token. */
function scaled(rowScales: Expr | null, x: Activations, token: Index, sums: Expr): Expr {
  return mul(apply('toFloat', sums), mul(rowScales!, loadSplat(x.scales!, token, 'f32x4')));
}

export const q8Format: Format = {
  name: 'q8',
  tables: 'q8',
  integer: true,
  largest: Number.POSITIVE_INFINITY,
  depthMultiple: 4,
  uses: ['vnni'],
  activationGroup: null,
  sums: (features) => (features.has('vnni') ? { factor: -128, as: 'whole' } : null),
  // 127 * 127 * depth < 2^31
  largestDepth: 133_000,

  storedRows: () => VECTOR_ROWS,
  storedBytes,

  packRows(rows, shape, into) {
    const { depth } = shape;
    const codes = new Int8Array(into.buffer, into.byteOffset, codesBytes(shape));
    const scales = new Float32Array(into.buffer, into.byteOffset + codesBytes(shape), VECTOR_ROWS);
    rows.forEach((row, r) => {
      if (!row) return;
      let largest = 0;
      for (let k = 0; k < depth; k++) largest = Math.max(largest, Math.abs(row[k]!));
      const scale = Math.fround(largest / 127);
      scales[r] = scale;
      if (scale === 0) return;
      for (let k = 0; k < depth; k++) {
        // [k/4][r][k%4]
        const at = Math.floor(k / 4) * 16 + r * 4 + (k % 4);
        codes[at] = Math.max(-127, Math.min(127, roundHalfEven(row[k]! / scale)));
      }
    });
  },

  views(name, address, rows, shape) {
    const bytes = matrixBytes(rows, VECTOR_ROWS, shape, storedBytes(shape));
    const streams = shape.block / VECTOR_ROWS;
    const note = `weights [${rows}, ${shape.depth}] int8, row scales behind every four rows, ${streams} streams`;
    return [
      { name, element: 'i8', address, length: bytes, access: 'read', note },
      {
        name: `${name}.scale`,
        element: 'f32',
        address,
        length: bytes / 4,
        access: 'read',
        note: `the same bytes as f32`,
      },
    ];
  },

  element([codes, scales], shape, row, column) {
    const inBlock = remainder(row, shape.block);
    const [block, vector, r] = [quotient(row, shape.block), quotient(inBlock, 4), remainder(inBlock, 4)];
    const inStored = plus(times(quotient(column, 4), 16), plus(times(r, 4), remainder(column, 4)));
    const code = load(codes!, plus(storedAt(shape, block, vector), inStored), 'i32');
    const scale = load(scales!, plus(storedAt(shape, block, vector, 4), plus(codesBytes(shape) / 4, r)), 'f32');
    return mul(apply('toFloat', code), scale);
  },

  dot(b, views, shape, x, blockIndex, firstToken, tokens, features) {
    const [codes] = views;
    const { block, depth } = shape;
    const vectors = block / 4;
    const base = b.let('base', times(blockIndex, shape.pitch));
    const word = (t: Index, at: Index): Expr =>
      loadSplat(x.values, plus(times(plus(firstToken, t), x.stride / 4), at), 'i8x16');
    const { add: addWord, sums } = features.has('vnni')
      ? byteColumns(b, tokens, vectors, (t) => loadSplat(x.sums!, plus(firstToken, t), 'i32x4'))
      : pairColumns(b, tokens, vectors);
    const columns = (from: Index, to: Index, unrolled: number): void =>
      b.loop('serial', 'k', { from, to, step: 4 * unrolled }, (body, k) => {
        const wAt = body.let('wAt', plus(base, times(k, 4)));
        const xAt = body.let('xAt', quotient(k, 4));
        body.loop('unroll', 'j', { to: unrolled }, (perWord, j) =>
          perWord.loop('unroll', 't', { to: tokens }, (perToken, t) =>
            addWord(perToken, t, word(t, plus(xAt, j)), (v, at, type) =>
              load(codes!, plus(wAt, plus(plus(times(j, 16), times(v, shape.stream)), at)), type),
            ),
          ),
        );
      });
    const whole = padded(depth, 4);
    const most = whole - (whole % (4 * UNROLLED));
    if (most > 0) columns(0, most, UNROLLED);
    if (most < whole) columns(most, whole, 1);
    return (t, v) => scaled(rowScales(views, shape, blockIndex, v), x, plus(firstToken, t), sums(t, v));
  },

  // a piece is a word of four columns
  pieces: {
    sum: 'i32x4',
    reads: ['i8x16'],
    count: ({ depth }) => padded(depth, 4) / 4,
    read(b, [codes], shape, rows, k) {
      const base = b.let('base', storedAt(shape, rows.block, rows.vector));
      return [load(codes!, plus(base, times(k, 16)), 'i8x16')];
    },
    multiply(b, [wk], x, k, firstToken, tokens, sums) {
      b.loop('unroll', 't', { to: tokens }, (_, t) => {
        const xk = loadSplat(x.values, plus(times(plus(firstToken, t), x.stride / 4), k), 'i8x16');
        sums.set(add(sums.get(t), apply('dotWords', wk!, xk)), t);
      });
    },
    rowScales: (views, shape, { block, vector }) => rowScales(views, shape, block, vector),
    scaled,
  },

  panelBytes: (shape) => wideBytes(panelRows(shape), padded(shape.depth, 4)),
  panel: (features) => (features.has('vnni') ? bytePanel : widePanel),
};

/** Multiplies the columns of a block with words of activations and keeps the sums. */
interface Columns {
  /** Adds four columns: `word` in all lanes; `weights` loads from byte `at` of the sixteen of rows 4v..4v+3. */
  add(b: Builder, t: Index, word: Expr, weights: (v: Index, at: Index, type: 'i8x16' | 'i16x8') => Expr): void;
  sums(t: number, v: number): Expr;
}

/** Exact 16-bit dots. Each vector of 4 rows x 4 columns is split into rows 0-1 and 2-3; a lane holds a pair of columns. */
function pairColumns(outside: Builder, tokens: number, vectors: number): Columns {
  const acc = outside.registers('acc', tokens * vectors * 2, constant('i32x4', 0));
  return {
    add(b, t, word, weights) {
      const xk = b.let('xk', apply('widenLow', word));
      b.loop('unroll', 'v', { to: vectors * 2 }, (_, v) => {
        const at = plus(times(t, vectors * 2), v);
        const half = weights(quotient(v, 2), times(remainder(v, 2), 8), 'i16x8');
        acc.set(add(acc.get(at), apply('dotPairs', half, xk)), at);
      });
    },
    sums(t, v) {
      const low = t * vectors * 2 + 2 * v;
      return pairSums(acc.get(low), acc.get(low + 1));
    },
  };
}

/** Exact dots of bytes, weights raised to unsigned ones. */
function byteColumns(outside: Builder, tokens: number, vectors: number, start: (t: number) => Expr): Columns {
  const sign = outside.let('sign', apply('splat8', i32(-128)));
  const acc = outside.registers('acc', tokens * vectors, constant('i32x4', 0));
  for (const t of upTo(tokens)) for (const v of upTo(vectors)) acc.set(start(t), t * vectors + v);
  return {
    add(b, t, word, weights) {
      const xk = b.let('xk', word);
      b.loop('unroll', 'v', { to: vectors }, (_, v) => {
        const at = plus(times(t, vectors), v);
        acc.set(apply('dotAdd', xk, apply('raiseBytes', weights(v, 0, 'i8x16'), sign), acc.get(at)), at);
      });
    },
    sums: (t, v) => acc.get(t * vectors + v),
  };
}

/** The dot products of a panel's rows, given its integer sums. */
const finished =
  (views: readonly KernelBuffer[], shape: MatrixShape, panel: Expr, x: Activations, firstToken: Index) =>
  (sums: (t: number, v: number) => Expr) => {
    const { block, vector } = placeOf(panel, shape);
    return (t: number, v: number): Expr =>
      scaled(rowScales(views, shape, block, plus(vector, v)), x, plus(firstToken, t), sums(t, v));
  };

/** Codes widened to 16 bits. */
const widePanel: Panel = {
  tokens: WIDE_TOKENS,

  unpack(b, [codes], shape, panel, { buffer, at }) {
    const rows = panelRows(shape);
    const { block, vector } = placeOf(panel, shape);
    const from = b.let('from', storedAt(shape, block, vector));
    b.loop('serial', 'j', { to: padded(shape.depth, 4) / 4 }, (perWord, j) => {
      const word = perWord.let('word', plus(from, times(j, 16)));
      const to = perWord.let('to', wideAt(at, rows, j, 0));
      perWord.loop('unroll', 'i', { to: rows / 2 }, (perPair, i) => {
        const half = plus(times(quotient(i, 2), shape.stream), times(remainder(i, 2), 8));
        perPair.store(buffer, plus(to, times(i, 4)), load(codes!, plus(word, half), 'i16x8'));
      });
    });
  },

  dot: (b, views, shape, panel, scratch, x, firstToken) =>
    finished(
      views,
      shape,
      panel,
      x,
      firstToken,
    )(wideDot(b, scratch, panelRows(shape), padded(shape.depth, 4), x, firstToken)),
};

/** Tokens that meet a panel of bytes together: with eight rows, twelve sums, more than an addition takes cycles. */
const BYTE_TOKENS = 6;

/** Codes raised to unsigned bytes: [columns/4][rows/4] vectors of 4 rows x 4 columns. */
const bytePanel: Panel = {
  tokens: BYTE_TOKENS,

  unpack(b, [codes], shape, panel, { buffer, at }) {
    const rows = panelRows(shape);
    const { block, vector } = placeOf(panel, shape);
    const sign = b.let('sign', apply('splat8', i32(-128)));
    const from = b.let('from', storedAt(shape, block, vector));
    b.loop('serial', 'j', { to: padded(shape.depth, 4) / 4 }, (perWord, j) => {
      const word = perWord.let('word', plus(from, times(j, 16)));
      const to = perWord.let('to', plus(at, times(j, rows)));
      for (const v of upTo(rows / 4)) {
        const w = load(codes!, plus(word, v * shape.stream), 'i8x16');
        perWord.store(buffer, plus(to, 4 * v), apply('raiseBytes', w, sign));
      }
    });
  },

  dot(b, views, shape, panel, { buffer, at }, x, firstToken) {
    const rows = panelRows(shape);
    const vectors = rows / 4;
    const words = padded(shape.depth, 4) / 4;
    const unrolled = [4, 2, 1].find((n) => words % n === 0)!;
    const acc = b.registers('acc', BYTE_TOKENS * vectors, constant('i32x4', 0));
    for (const t of upTo(BYTE_TOKENS)) {
      const start = b.let('start', loadSplat(x.sums!, plus(firstToken, t), 'i32x4'));
      for (const v of upTo(vectors)) acc.set(start, t * vectors + v);
    }
    const xRows = upTo(BYTE_TOKENS).map((t) => b.let('xRow', times(plus(firstToken, t), x.stride / 4)));
    b.loop('serial', 'k', { to: words, step: unrolled }, (body, k) => {
      const panelAt = body.let('panelAt', plus(at, times(k, rows)));
      const xAt = xRows.map((row) => body.let('xAt', plus(row, k)));
      body.loop('unroll', 'j', { to: unrolled }, (perWord, j) => {
        const w = upTo(vectors).map((v) =>
          perWord.let('w', load(buffer, plus(panelAt, plus(times(j, rows), 4 * v)), 'i8x16')),
        );
        for (const t of upTo(BYTE_TOKENS)) {
          const xj = perWord.let('xj', loadSplat(x.values, plus(xAt[t]!, j), 'i8x16'));
          for (const v of upTo(vectors)) {
            const sum = t * vectors + v;
            acc.set(apply('dotAdd', xj, w[v]!, acc.get(sum)), sum);
          }
        }
      });
    });
    return finished(views, shape, panel, x, firstToken)((t, v) => acc.get(t * vectors + v));
  },
};
