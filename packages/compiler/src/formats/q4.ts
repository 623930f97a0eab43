/**
 * q4: four-bit weights in groups of 32 columns, with a half-precision scale for each group of a row;
 * activations in groups of 32 with an f32 scale each. These are the numbers of llama.cpp's Q4_0
 * times Q8_0, and weights made for Q4_0 are stored without loss. 4.5 bits a weight.
 *
 * Layout of four rows, in reading order: for every two groups, the scales of four rows for the first
 * and for the second group, then four vectors of 4 rows x 8 columns for each group (a byte holds
 * column k in its low half and column k + 4 in its high half, each as code + 8). Groups are stored in
 * pairs so that all vectors are aligned to 16 bytes, which a GPU needs. A loop iteration takes both,
 * so that each of its loads advances by a constant distance, which hardware prefetch needs.
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
  sub,
  times,
} from '../loops/build.ts';
import { toHalf } from '../loops/half.ts';
import type { Expr } from '../loops/ir.ts';
import { padded } from '../program/packs.ts';
import { type BlockShape, type Format, matrixBytes, type Panel, panelRows } from './format.ts';
import { pairSums, placeOf, storedAt, VECTOR_ROWS } from './integer.ts';
import { GROUP, Q4Group } from './q4-codes.ts';
import { BYTE_TOKENS, type ByteDots, byteDot, byteDots, bytePanelBytes, unpackGroup } from './q4-panel.ts';

/** Bytes that the codes of four rows take in a group, and their scales. */
const CODES = (VECTOR_ROWS * GROUP) / 2;
const SCALES = VECTOR_ROWS * 2;
/** Two groups: their scales, then their codes. */
const PAIR = 2 * (SCALES + CODES);

const groups = ({ depth }: BlockShape): number => padded(depth, GROUP) / GROUP;
/** A last group without a second leaves room for its scales. */
const storedBytes = (shape: BlockShape): number =>
  Math.floor(groups(shape) / 2) * PAIR + (groups(shape) % 2) * (2 * SCALES + CODES);

/** Where the scales of the first or second group of a pair begin in it, in bytes, and its codes. */
const scalesAt = (which: number): number => which * SCALES;
const codesAt = (which: number): number => 2 * SCALES + which * CODES;

/** Writes `one` for every group: both of a pair in one iteration, then a last single one. `at` is the place of the pair, in bytes and in halves. */
function eachGroup(
  b: Builder,
  shape: BlockShape,
  base: { readonly bytes: Expr; readonly halves: Expr },
  one: (b: Builder, pair: Index, which: 0 | 1, at: { readonly bytes: Expr; readonly halves: Expr }) => void,
): void {
  const pairs = Math.floor(groups(shape) / 2);
  const run = (inner: Builder, pair: Index, members: readonly (0 | 1)[]): void => {
    const bytes = inner.let('wAt', plus(base.bytes, times(pair, PAIR)));
    const halves = inner.let('halvesAt', plus(base.halves, times(pair, PAIR / 2)));
    for (const which of members) one(inner, pair, which, { bytes, halves });
  };
  if (pairs > 0) b.loop('serial', 'pair', { to: pairs }, (inner, pair) => run(inner, pair, [0, 1]));
  if (groups(shape) % 2 === 1) run(b, pairs, [0]);
}

export const q4Format: Format = {
  name: 'q4',
  // tables are read by rows, and a tied head is a table
  tables: 'q8',
  integer: true,
  largest: 7 * 65_504,
  depthMultiple: GROUP,
  uses: ['relaxed', 'vnni'],
  activationGroup: GROUP,
  sums: (features) => ({ factor: -8, as: features.has('vnni') ? 'whole' : 'pairs' }),
  // a group's integer sum is far below 2^31, and groups are added as floats
  largestDepth: Number.POSITIVE_INFINITY,

  storedRows: () => VECTOR_ROWS,
  storedBytes,

  packRows(rows, shape, into) {
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    const group = new Q4Group();
    for (let g = 0; g < groups(shape); g++) {
      const at = Math.floor(g / 2) * PAIR;
      for (let r = 0; r < VECTOR_ROWS; r++) {
        group.choose(rows[r] ?? null, g * GROUP);
        view.setUint16(at + scalesAt(g % 2) + r * 2, toHalf(group.scale), true);
        for (let i = 0; i < GROUP; i++) {
          // [i/8][r][i%4], low half for the first four columns of eight
          const byte = at + codesAt(g % 2) + Math.floor(i / 8) * 16 + r * 4 + (i % 4);
          into[byte]! |= (group.codes[i]! + 8) << (i % 8 < 4 ? 0 : 4);
        }
      }
    }
  },

  views(name, address, rows, shape) {
    const bytes = matrixBytes(rows, VECTOR_ROWS, shape, storedBytes(shape));
    const streams = shape.block / VECTOR_ROWS;
    const note = `weights [${rows}, ${shape.depth}] int4 in groups of ${GROUP}, ${streams} streams of four rows`;
    return [
      { name, element: 'i8', address, length: bytes, access: 'read', note },
      { name: `${name}.scale`, element: 'f16', address, length: bytes / 2, access: 'read', note: 'its scales' },
    ];
  },

  element([codes, scales], shape, row, column) {
    const inBlock = remainder(row, shape.block);
    const [vector, r] = [quotient(inBlock, 4), remainder(inBlock, 4)];
    const base = storedAt(shape, quotient(row, shape.block), vector);
    const group = quotient(column, GROUP);
    const [pair, which] = [quotient(group, 2), remainder(group, 2)];
    const i = remainder(column, GROUP);
    const inGroup = plus(times(quotient(i, 8), 16), plus(times(r, 4), remainder(i, 4)));
    const byte = apply(
      'and',
      load(codes!, plus(plus(base, inGroup), plus(times(pair, PAIR), plus(times(which, CODES), codesAt(0)))), 'i32'),
      i32(255),
    );
    // the high half for columns 4 to 7 of eight
    const half = remainder(
      apply('quotient', byte, apply('select', apply('less', remainder(i, 8), i32(4)), i32(1), i32(16))),
      16,
    );
    const halves = storedAt(shape, quotient(row, shape.block), vector, 2);
    const scale = load(scales!, plus(plus(halves, r), plus(times(pair, PAIR / 2), times(which, SCALES / 2))), 'f32');
    return mul(apply('toFloat', sub(half, i32(8))), scale);
  },

  dot(b, [codes, scales], shape, x, blockIndex, firstToken, tokens, features) {
    const vectors = shape.block / VECTOR_ROWS;
    const sums = b.registers('sums', tokens * vectors, constant('f32x4', 0));
    const base = {
      bytes: b.let('base', times(blockIndex, shape.pitch)),
      halves: b.let('halvesBase', times(blockIndex, shape.pitch / 2)),
    };
    // made once outside the loop: an engine materialises a constant inside a loop at every use (1.7
    // times slower here)
    const mask = b.let('mask', apply('splat8', i32(15)));
    const bytes = byteDots(features);
    const group = bytes ? byteGroup(bytes) : plainGroup;
    eachGroup(b, shape, base, (perGroup, pair, which, at) => {
      perGroup.loop('unroll', 't', { to: tokens }, (perToken, t) => {
        const token = plus(firstToken, t);
        const groupAt = perToken.let('groupAt', plus(times(token, x.groups), times(pair, 2)));
        const xAt = perToken.let('xAt', plus(times(token, x.stride / 4), times(pair, (2 * GROUP) / 4)));
        group(perToken, {
          weights(j, v) {
            const inPair = plus(times(j, 16), plus(times(v, shape.stream), codesAt(which)));
            return load(codes!, plus(at.bytes, inPair), 'i8x16');
          },
          word: (i) => loadSplat(x.values, plus(xAt, plus(which * (GROUP / 4), i)), 'i8x16'),
          start: (type) => loadSplat(x.sums!, plus(groupAt, which), type),
          vectors,
          mask,
          finish(into) {
            const xScale = into.let('xScale', loadSplat(x.scales!, plus(groupAt, which), 'f32x4'));
            return (v, dots) => {
              const halves = plus(times(v, shape.stream / 2), scalesAt(which) / 2);
              const scale = mul(load(scales!, plus(at.halves, halves), 'f32x4'), xScale);
              const sum = plus(times(t, vectors), v);
              sums.set(add(sums.get(sum), mul(apply('toFloat', dots), scale)), sum);
            };
          },
        });
      });
    });
    return (t, v) => sums.get(t * vectors + v);
  },

  // a piece is 8 columns of a group
  pieces: {
    sum: 'f32x4',
    reads: ['i8x16', 'f32x4'],
    count: (shape) => (groups(shape) * GROUP) / 8,
    read(_, [codes, scales], shape, rows, piece) {
      const group = quotient(piece, GROUP / 8);
      const [pair, which] = [quotient(group, 2), remainder(group, 2)];
      const inPair = plus(times(which, CODES), plus(times(remainder(piece, GROUP / 8), 16), codesAt(0)));
      const halves = plus(times(pair, PAIR / 2), times(which, SCALES / 2));
      return [
        load(codes!, plus(storedAt(shape, rows.block, rows.vector), plus(times(pair, PAIR), inPair)), 'i8x16'),
        load(scales!, plus(storedAt(shape, rows.block, rows.vector, 2), halves), 'f32x4'),
      ];
    },
    multiply(b, [w, scales], x, piece, firstToken, tokens, sums) {
      const mask = b.let('mask', apply('splat8', i32(15)));
      const low = b.let('low', apply('nibblesLow', w!, mask));
      const high = b.let('high', apply('nibblesHigh', w!, mask));
      const ones = i32(0x01010101);
      b.loop('unroll', 't', { to: tokens }, (perToken, t) => {
        const token = plus(firstToken, t);
        const wordAt = plus(times(token, x.stride / 4), times(piece, 2));
        const [first, second] = [0, 1].map((i) => perToken.let('x', load(x.values, plus(wordAt, i), 'i32'))) as [
          Expr,
          Expr,
        ];
        // codes are stored + 8
        const excess = times(add(apply('dotWords', first, ones), apply('dotWords', second, ones)), 8);
        const [left, right] = [
          apply('dotWords', low, apply('splatWord', first)),
          apply('dotWords', high, apply('splatWord', second)),
        ];
        const dots = sub(add(left, right), apply('splat', excess));
        const xScale = loadSplat(x.scales!, plus(times(token, x.groups), quotient(piece, GROUP / 8)), 'f32x4');
        sums.set(add(sums.get(t), mul(apply('toFloat', dots), mul(scales!, xScale))), t);
      });
    },
    rowScales: () => null,
    scaled: (_rowScales, _x, _token, sum) => sum,
  },

  panelBytes: (shape) => bytePanelBytes(panelRows(shape), groups(shape)),
  panel(features) {
    const bytes = byteDots(features);
    return bytes && bytePanel(bytes);
  },
};

/** A panel with nibbles as bytes and scales as f32. */
const bytePanel = (bytes: ByteDots): Panel => ({
  tokens: BYTE_TOKENS,

  unpack(b, [codes, scales], shape, panel, scratch) {
    const { block, vector } = placeOf(panel, shape);
    const base = {
      bytes: b.let('base', storedAt(shape, block, vector)),
      halves: b.let('halvesBase', storedAt(shape, block, vector, 2)),
    };
    const mask = b.let('mask', apply('splat8', i32(15)));
    eachGroup(b, shape, base, (perGroup, pair, which, at) => {
      unpackGroup(perGroup, scratch, panelRows(shape) / VECTOR_ROWS, plus(times(pair, 2), which), {
        weights: (j, v) => load(codes!, plus(at.bytes, plus(times(j, 16), v * shape.stream + codesAt(which))), 'i8x16'),
        scales: (v) => load(scales!, plus(at.halves, (v * shape.stream + scalesAt(which)) / 2), 'f32x4'),
        mask,
      });
    });
  },

  dot: (b, _views, shape, _panel, scratch, x, firstToken) =>
    byteDot(b, bytes, scratch, panelRows(shape) / VECTOR_ROWS, x, firstToken),
});

/** One group of a block, for one token. */
interface Group {
  readonly vectors: number;
  /** The value 15 in every byte. */
  readonly mask: Expr;
  /** Codes, each + 8, of rows 4v..4v+3 at columns 8j..8j+7. */
  weights(j: Index, v: Index): Expr;
  /** Activations 4i..4i+3 in every lane. */
  word(i: Index): Expr;
  /**
   * -8 times the sums of activations, which corrects for codes stored as code + 8: for pairs of
   * columns, or for all four.
   */
  start(type: 'i16x8' | 'i32x4'): Expr;
  /**
   * Returns a function that adds the integer dots i32x4 of rows 4v..4v+3. The loads it needs are
   * written here, after the dots, which take all vector registers.
   */
  finish(b: Builder): (v: Index, dots: Expr) => void;
}

/**
 * Plain SIMD128: nibbles are widened to 16 bits and multiplied with activations in exact pair
 * products. Two vectors of rows at a time: with all four, eight accumulators would leave too few
 * registers.
 */
function plainGroup(b: Builder, { vectors, mask, weights, word, start, finish }: Group): void {
  const from = b.let('start', apply('widenPairs', start('i16x8')));
  for (let first = 0; first < vectors; first += 2) {
    const count = Math.min(2, vectors - first);
    const acc = b.registers('acc', count * 2, from);
    b.loop('unroll', 'j', { to: GROUP / 8 }, (inner, j) => {
      const low = inner.let('xLow', apply('widenLow', word(times(j, 2))));
      const high = inner.let('xHigh', apply('widenLow', word(plus(times(j, 2), 1))));
      inner.loop('unroll', 'v', { to: count }, (perVector, v) => {
        const w = perVector.let('w', weights(j, plus(v, first)));
        const left = perVector.let('wLow', apply('nibblesLow', w, mask));
        const right = perVector.let('wHigh', apply('nibblesHigh', w, mask));
        // rows 0-1 and 2-3 of the four: lanes hold pairs of columns
        for (const [half, widen] of [
          [0, 'widenLow'],
          [1, 'widenHigh'],
        ] as const) {
          const dots = add(apply('dotPairs', apply(widen, left), low), apply('dotPairs', apply(widen, right), high));
          acc.set(add(acc.get(plus(times(v, 2), half)), dots), plus(times(v, 2), half));
        }
      });
    });
    const addRows = finish(b);
    b.loop('unroll', 'v', { to: count }, (_, v) => {
      addRows(plus(v, first), pairSums(acc.get(times(v, 2)), acc.get(plus(times(v, 2), 1))));
    });
  }
}

/**
 * Multiplies activations with nibbles (at most 15) in one byte dot. A lane of 16 bits sums 16
 * products of at most 15 * 127 and starts at least at -16256, so every partial sum fits.
 */
function byteGroup(bytes: ByteDots): (b: Builder, group: Group) => void {
  return (b, { vectors, mask, weights, word, start, finish }) => {
    const acc = b.registers('acc', vectors, b.let('start', start(bytes.type)));
    b.loop('unroll', 'j', { to: GROUP / 8 }, (inner, j) => {
      const low = inner.let('xLow', word(times(j, 2)));
      const high = inner.let('xHigh', word(plus(times(j, 2), 1)));
      inner.loop('unroll', 'v', { to: vectors }, (perVector, v) => {
        const w = perVector.let('w', weights(j, v));
        const left = bytes.add(acc.get(v), low, apply('nibblesLow', w, mask));
        acc.set(bytes.add(left, high, apply('nibblesHigh', w, mask)), v);
      });
    });
    const addRows = finish(b);
    b.loop('unroll', 'v', { to: vectors }, (_, v) => addRows(v, bytes.whole(acc.get(v))));
  };
}
