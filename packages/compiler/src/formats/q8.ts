/**
 * q8: W8A8 (MobileLLM, arXiv 2402.14905, section 4.4). Weights: int8 per row, one f32 scale per row. Activations: int8 per token, one f32
 * scale per token. Layout of a block of R rows: for every four columns, R/4 vectors of 4 rows x 4 columns; then R f32 scales. That order
 * suits an exact 16-bit dot (here), a relaxed 8-bit dot and a GPU's packed dot alike.
 */
import {
  add,
  apply,
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
import { roundHalfEven } from '../loops/intrinsics.ts';
import { padded } from '../program/ir.ts';
import { type Format, type MatrixShape, type Panel, panelRows } from './format.ts';
import { pairSums, placeOf, scaled, WIDE_TOKENS, wideAt, wideBytes, wideDot } from './integer.ts';

/** Words of activations an iteration takes: loop overhead is then small beside the dots. */
const UNROLLED = 4;

const codesBytes = ({ block, depth }: MatrixShape): number => block * padded(depth, 4);
const blockBytes = (shape: MatrixShape): number => codesBytes(shape) + shape.block * 4;

export const q8Format: Format = {
  name: 'q8',
  integer: true,
  depthMultiple: 4,
  grouped: false,
  sumsOver: null,
  largestBlock: 16,
  // 127 * 127 * depth < 2^31
  largestDepth: 133_000,

  blockBytes,

  packBlock(rows, shape, into) {
    const { block, depth } = shape;
    const codes = new Int8Array(into.buffer, into.byteOffset, codesBytes(shape));
    const scales = new Float32Array(into.buffer, into.byteOffset + codesBytes(shape), block);
    rows.forEach((row, r) => {
      if (!row) return;
      let largest = 0;
      for (let k = 0; k < depth; k++) largest = Math.max(largest, Math.abs(row[k]!));
      const scale = Math.fround(largest / 127);
      scales[r] = scale;
      if (scale === 0) return;
      for (let k = 0; k < depth; k++) {
        // [k/4][r/4][r%4][k%4]
        const at = Math.floor(k / 4) * block * 4 + Math.floor(r / 4) * 16 + (r % 4) * 4 + (k % 4);
        codes[at] = Math.max(-127, Math.min(127, roundHalfEven(row[k]! / scale)));
      }
    });
  },

  views(name, address, rows, shape) {
    const bytes = (rows / shape.block) * blockBytes(shape);
    const note = `weights [${rows}, ${shape.depth}] int8, row scales behind each block of ${shape.block}`;
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
    const bytes = blockBytes(shape);
    const block = quotient(row, shape.block);
    const r = remainder(row, shape.block);
    const inBlock = plus(times(quotient(column, 4), shape.block * 4), plus(times(r, 4), remainder(column, 4)));
    const code = load(codes!, plus(times(block, bytes), inBlock), 'i32');
    const scale = load(scales!, plus(times(block, bytes / 4), plus(codesBytes(shape) / 4, r)), 'f32');
    return mul(apply('toFloat', code), scale);
  },

  dot(b, [codes, scales], shape, x, blockIndex, firstToken, tokens) {
    const { block, depth } = shape;
    const vectors = block / 4;
    const bytes = blockBytes(shape);
    // each vector of 4 rows x 4 columns splits into rows 0-1 and 2-3: lanes hold pairs of columns
    const acc = b.registers('acc', tokens * vectors * 2, constant('i32x4', 0));
    const base = b.let('base', times(blockIndex, bytes));
    const columns = (from: Index, to: Index, unrolled: number): void =>
      b.loop('serial', 'k', { from, to, step: 4 * unrolled }, (body, k) => {
        const wAt = body.let('wAt', plus(base, times(k, block)));
        const xAt = body.let('xAt', quotient(k, 4));
        body.loop('unroll', 'j', { to: unrolled }, (perWord, j) =>
          perWord.loop('unroll', 't', { to: tokens }, (perToken, t) => {
            const word = plus(times(plus(firstToken, t), x.stride / 4), plus(xAt, j));
            const xk = perToken.let('xk', apply('widenLow', loadSplat(x.values, word, 'i8x16')));
            perToken.loop('unroll', 'v', { to: vectors * 2 }, (_, v) => {
              const wk = load(codes!, plus(wAt, plus(times(j, block * 4), times(v, 8))), 'i16x8');
              const at = plus(times(t, vectors * 2), v);
              acc.set(add(acc.get(at), apply('dotPairs', wk, xk)), at);
            });
          }),
        );
      });
    const whole = padded(depth, 4);
    const most = whole - (whole % (4 * UNROLLED));
    if (most > 0) columns(0, most, UNROLLED);
    if (most < whole) columns(most, whole, 1);
    const scaleBase = b.let('scaleBase', plus(times(blockIndex, bytes / 4), codesBytes(shape) / 4));
    return (t, v) => {
      const low = t * vectors * 2 + 2 * v;
      const sums = pairSums(acc.get(low), acc.get(low + 1));
      return scaled(sums, scales!, plus(scaleBase, v * 4), x, plus(firstToken, t));
    };
  },

  sum: 'i32x4',

  slice(b, [codes], shape, x, { block: blockIndex, vector, part, parts }, firstToken, tokens) {
    const { block, depth } = shape;
    const acc = b.registers('acc', tokens, constant('i32x4', 0));
    const base = b.let('base', plus(times(blockIndex, codesBytes(shape) + block * 4), times(vector, 16)));
    b.loop('serial', 'k', { from: part, to: padded(depth, 4) / 4, step: parts }, (body, k) => {
      const wk = body.let('wk', load(codes!, plus(base, times(k, block * 4)), 'i8x16'));
      body.loop('unroll', 't', { to: tokens }, (_, t) => {
        const xk = loadSplat(x.values, plus(times(plus(firstToken, t), x.stride / 4), k), 'i8x16');
        acc.set(add(acc.get(t), apply('dotWords', wk, xk)), t);
      });
    });
    return (t) => acc.get(t);
  },

  scaled([, scales], shape, x, { block: blockIndex, vector }, token, sum) {
    const bytes = codesBytes(shape) + shape.block * 4;
    const at = plus(times(blockIndex, bytes / 4), plus(codesBytes(shape) / 4, times(vector, 4)));
    return mul(apply('toFloat', sum), mul(load(scales!, at, 'f32x4'), loadSplat(x.scales!, token, 'f32x4')));
  },

  panelBytes: (shape) => wideBytes(panelRows(shape), padded(shape.depth, 4)),
  panel: () => q8Panel,
};

/** Codes widened to 16 bits. */
const q8Panel: Panel = {
  tokens: WIDE_TOKENS,

  unpack(b, [codes], shape, panel, { buffer, at }) {
    const rows = panelRows(shape);
    const { block, inBlock } = placeOf(panel, shape);
    const from = b.let('from', plus(times(block, blockBytes(shape)), times(inBlock, 4)));
    b.loop('serial', 'j', { to: padded(shape.depth, 4) / 4 }, (perWord, j) => {
      const word = perWord.let('word', plus(from, times(j, shape.block * 4)));
      const to = perWord.let('to', wideAt(at, rows, j, 0));
      perWord.loop('unroll', 'i', { to: rows / 2 }, (perPair, i) =>
        perPair.store(buffer, plus(to, times(i, 4)), load(codes!, plus(word, times(i, 8)), 'i16x8')),
      );
    });
  },

  dot: (b, shape, scratch, x, firstToken) =>
    wideDot(b, scratch, panelRows(shape), padded(shape.depth, 4), x, firstToken),
};
