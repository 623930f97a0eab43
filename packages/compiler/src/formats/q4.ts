/**
 * q4: four-bit weights in groups of 32 columns, with an integer scale per group and an f32 scale
 * per row; activations as in q8. All data of a block of R rows is one stream, in the order it is
 * read: per group, four times R/4 vectors of 4 rows x 8 columns (a byte holds column k in its low
 * half and k + 4 in its high half, each as code + 8), then R group scales; after the last group, R
 * row scales. 4.3 bits a weight. (Groups of 32 with inline scales reach the memory limit;
 * docs/decisions.md, "q4, exactly", defines the numbers.)
 */
import {
  add,
  apply,
  applyLanes,
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
import { roundHalfEven } from '../loops/intrinsics.ts';
import type { Expr } from '../loops/ir.ts';
import { padded } from '../program/ir.ts';
import { type BlockShape, type Format, matrixBytes, type Panel, panelRows } from './format.ts';
import { placeOf, scaled, wideBytes } from './integer.ts';
import { BYTE_TOKENS, type ByteDots, byteDot, byteDots, bytePanelBytes, unpackBytes } from './q4-panel.ts';

const GROUP = 32;

const groups = ({ depth }: BlockShape): number => padded(depth, GROUP) / GROUP;
/** Codes and scales of one group of a block. */
const groupBytes = ({ block }: BlockShape): number => block * (GROUP / 2) + block;
const blockBytes = (shape: BlockShape): number => groups(shape) * groupBytes(shape) + shape.block * 4;

export const q4Format: Format = {
  name: 'q4',
  // tables are read by rows, and a tied head is a table: they keep 8 bits
  tables: 'q8',
  integer: true,
  largest: Number.POSITIVE_INFINITY,
  depthMultiple: GROUP,
  uses: ['relaxed', 'vnni'],
  sums: (features) => ({ over: GROUP, factor: -8, as: features.has('vnni') ? 'whole' : 'pairs' }),
  largestBlock: 16,
  // the integer sum of a row is at most 258 * 255 * 32 * 8 * 127 < 2^31
  largestDepth: 258 * GROUP,

  blockBytes,

  packBlock(rows, shape, into) {
    const { block, depth } = shape;
    const rowScales = new Float32Array(into.buffer, into.byteOffset + groups(shape) * groupBytes(shape), block);
    for (let r = 0; r < block; r++) {
      const row = rows[r] ?? null;
      const steps = Array.from({ length: groups(shape) }, (_, g) => {
        let largest = 0;
        for (let k = g * GROUP; row && k < Math.min(depth, (g + 1) * GROUP); k++)
          largest = Math.max(largest, Math.abs(row[k]!));
        return largest / 7;
      });
      const scale = Math.fround(Math.max(...steps) / 255);
      rowScales[r] = scale;
      steps.forEach((step, g) => {
        const at = g * groupBytes(shape);
        const groupScale = scale === 0 ? 0 : Math.min(255, roundHalfEven(step / scale));
        into[at + block * (GROUP / 2) + r] = groupScale;
        for (let i = 0; i < GROUP; i++) {
          const weight = row?.[g * GROUP + i] ?? 0;
          const code = groupScale === 0 ? 0 : Math.max(-8, Math.min(7, roundHalfEven(weight / (groupScale * scale))));
          // [i/8][r/4][r%4][i%4]; the low half holds the first four of eight columns
          const byte = Math.floor(i / 8) * block * 4 + Math.floor(r / 4) * 16 + (r % 4) * 4 + (i % 4);
          into[at + byte]! |= (code + 8) << (i % 8 < 4 ? 0 : 4);
        }
      });
    }
  },

  views(name, address, rows, shape) {
    const bytes = matrixBytes(rows, shape, blockBytes(shape));
    const note = `weights [${rows}, ${shape.depth}] int4 in groups of ${GROUP}, blocks of ${shape.block}`;
    return [
      { name, element: 'i8', address, length: bytes, access: 'read', note },
      {
        name: `${name}.groups`,
        element: 'u8',
        address,
        length: bytes,
        access: 'read',
        note: 'the same bytes unsigned',
      },
      {
        name: `${name}.scale`,
        element: 'f32',
        address,
        length: bytes / 4,
        access: 'read',
        note: 'the same bytes as f32',
      },
    ];
  },

  element([codes, groupScales, scales], shape, row, column) {
    const { block } = shape;
    const base = times(quotient(row, block), shape.pitch);
    const r = remainder(row, block);
    const group = plus(base, times(quotient(column, GROUP), groupBytes(shape)));
    const i = remainder(column, GROUP);
    const inGroup = plus(times(quotient(i, 8), block * 4), plus(times(r, 4), remainder(i, 4)));
    const byte = apply('and', load(codes!, plus(group, inGroup), 'i32'), i32(255));
    // the high half holds columns 4 to 7 of eight
    const half = remainder(
      apply('quotient', byte, apply('select', apply('less', remainder(i, 8), i32(4)), i32(1), i32(16))),
      16,
    );
    const code = sub(half, i32(8));
    const groupScale = load(groupScales!, plus(group, plus(block * (GROUP / 2), r)), 'i32');
    const scaleAt = plus(
      times(quotient(row, block), shape.pitch / 4),
      plus((groups(shape) * groupBytes(shape)) / 4, r),
    );
    return mul(apply('toFloat', mul(code, groupScale)), load(scales!, scaleAt, 'f32'));
  },

  dot(b, [codes, groupScales, scales], shape, x, blockIndex, firstToken, tokens, features) {
    const { block } = shape;
    const vectors = block / 4;
    const sums = b.registers('sums', tokens * vectors, constant('i32x4', 0));
    const base = b.let('base', times(blockIndex, shape.pitch));
    // made once outside the loop: an engine materialises a constant inside a loop at every use (1.7
    // times slower here)
    const mask = b.let('mask', apply('splat8', i32(15)));
    const bytes = byteDots(features);
    const group = bytes ? byteGroup(b, bytes) : plainGroup;
    b.loop('serial', 'g', { to: groups(shape) }, (perGroup, g) => {
      const at = perGroup.let('wAt', plus(base, times(g, groupBytes(shape))));
      perGroup.loop('unroll', 't', { to: tokens }, (perToken, t) => {
        const token = plus(firstToken, t);
        group(perToken, {
          weights: (j, v) => load(codes!, plus(at, plus(times(j, block * 4), times(v, 16))), 'i8x16'),
          scales: (v, type) =>
            type === 'i32x4'
              ? load(groupScales!, plus(at, plus(block * (GROUP / 2), times(v, 4))), type)
              : loadSplat(groupScales!, plus(at, plus(block * (GROUP / 2), times(v, 4))), type),
          word: (i) => loadSplat(x.values, plus(plus(times(token, x.stride / 4), times(g, GROUP / 4)), i), 'i8x16'),
          start: (type) => loadSplat(x.sums!, plus(times(token, x.groups), g), type),
          vectors,
          mask,
          add: (v, rows) => sums.set(add(sums.get(plus(times(t, vectors), v)), rows), plus(times(t, vectors), v)),
        });
      });
    });
    const scaleBase = b.let(
      'scaleBase',
      plus(times(blockIndex, shape.pitch / 4), (groups(shape) * groupBytes(shape)) / 4),
    );
    return (t, v) =>
      scaled(load(scales!, plus(scaleBase, v * 4), 'f32x4'), x, plus(firstToken, t), sums.get(t * vectors + v));
  },

  // a piece is 8 columns of a group
  pieces: {
    sum: 'i32x4',
    reads: ['i8x16', 'i32x4'],
    count: (shape) => (groups(shape) * GROUP) / 8,
    read(b, [codes, groupScales], shape, rows, piece) {
      const { block } = shape;
      const group = times(quotient(piece, GROUP / 8), groupBytes(shape));
      const at = b.let('at', plus(times(rows.block, shape.pitch), group));
      const j = remainder(piece, GROUP / 8);
      return [
        load(codes!, plus(at, plus(times(j, block * 4), times(rows.vector, 16))), 'i8x16'),
        load(groupScales!, plus(at, plus(block * (GROUP / 2), times(rows.vector, 4))), 'i32x4'),
      ];
    },
    multiply(b, [w, groupScales], x, piece, firstToken, tokens, sums) {
      const mask = b.let('mask', apply('splat8', i32(15)));
      const low = b.let('low', apply('nibblesLow', w!, mask));
      const high = b.let('high', apply('nibblesHigh', w!, mask));
      const ones = i32(0x01010101);
      b.loop('unroll', 't', { to: tokens }, (perToken, t) => {
        const wordAt = plus(times(plus(firstToken, t), x.stride / 4), times(piece, 2));
        const [first, second] = [0, 1].map((i) => perToken.let('x', load(x.values, plus(wordAt, i), 'i32'))) as [
          Expr,
          Expr,
        ];
        // corrects for codes stored as code + 8
        const excess = times(add(apply('dotWords', first, ones), apply('dotWords', second, ones)), 8);
        const [left, right] = [
          apply('dotWords', low, apply('splatWord', first)),
          apply('dotWords', high, apply('splatWord', second)),
        ];
        const dots = sub(add(left, right), apply('splat', excess));
        sums.set(add(sums.get(t), mul(dots, groupScales!)), t);
      });
    },
  },

  rowScales([, , scales], shape, { block, vector }) {
    const inBlock = (groups(shape) * groupBytes(shape)) / 4;
    return load(scales!, plus(times(block, shape.pitch / 4), plus(inBlock, times(vector, 4))), 'f32x4');
  },
  scaled,

  panelBytes: (shape) =>
    Math.max(bytePanelBytes(panelRows(shape), groups(shape)), wideBytes(panelRows(shape), groups(shape) * GROUP)),
  panel(features) {
    const bytes = byteDots(features);
    return bytes && bytePanel(bytes);
  },
};

/** A panel with nibbles as bytes. */
const bytePanel = (bytes: ByteDots): Panel => ({
  tokens: BYTE_TOKENS,

  unpack(b, [codes, groupScales], shape, panel, scratch) {
    const { block, inBlock } = placeOf(panel, shape);
    const base = b.let('base', times(block, shape.pitch));
    const row = b.let('row', inBlock);
    const constants = { mask: b.let('mask', apply('splat8', i32(15))), order: b.let('order', apply(bytes.order)) };
    b.loop('serial', 'g', { to: groups(shape) }, (perGroup, g) => {
      const group = perGroup.let('group', plus(base, times(g, groupBytes(shape))));
      const weightsAt = perGroup.let('weightsAt', plus(group, times(row, 4)));
      const scalesAt = perGroup.let('scalesAt', plus(group, row));
      unpackBytes(
        perGroup,
        bytes,
        scratch,
        panelRows(shape) / 4,
        g,
        {
          weights: (j, v) => load(codes!, plus(weightsAt, plus(times(j, shape.block * 4), v * 16)), 'i8x16'),
          scales: (v) => loadSplat(groupScales!, plus(scalesAt, shape.block * (GROUP / 2) + v * 4), 'i8x16'),
        },
        constants,
      );
    });
  },

  dot: (b, shape, scratch, x, firstToken) => byteDot(b, bytes, scratch, panelRows(shape) / 4, x, firstToken),
});

/** One group of a block, for one token. */
interface Group {
  readonly vectors: number;
  /** The value 15 in every byte. */
  readonly mask: Expr;
  /** Codes, each + 8, of rows 4v..4v+3 at columns 8j..8j+7. */
  weights(j: Index, v: Index): Expr;
  /** Group scales of rows 4v..4v+3. */
  scales(v: Index, type: 'i32x4' | 'i8x16'): Expr;
  /** Activations 4i..4i+3 in every lane. */
  word(i: Index): Expr;
  /**
   * -8 times the sums of activations, which corrects for codes stored as code + 8: for pairs of
   * columns, or for all four.
   */
  start(type: 'i16x8' | 'i32x4'): Expr;
  /** Adds the scaled sums of rows 4v..4v+3. */
  add(v: Index, rows: Expr): void;
}

/**
 * Plain SIMD128: nibbles are widened to 16 bits and multiplied with activations in exact pair
 * products. Two vectors of rows at a time: with all four, eight accumulators would leave too few
 * registers.
 */
function plainGroup(b: Builder, { vectors, mask, weights, scales, word, start, add: addRows }: Group): void {
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
        // rows 0-1 and 2-3 of the four; lanes hold pairs of columns
        for (const [half, widen] of [
          [0, 'widenLow'],
          [1, 'widenHigh'],
        ] as const) {
          const dots = add(apply('dotPairs', apply(widen, left), low), apply('dotPairs', apply(widen, right), high));
          acc.set(add(acc.get(plus(times(v, 2), half)), dots), plus(times(v, 2), half));
        }
      });
    });
    b.loop('unroll', 'v', { to: count }, (_, v) => {
      const pairs = [acc.get(times(v, 2)), acc.get(plus(times(v, 2), 1))] as const;
      const rows = add(applyLanes('shuffle', [0, 2, 4, 6], ...pairs), applyLanes('shuffle', [1, 3, 5, 7], ...pairs));
      addRows(plus(v, first), mul(rows, scales(plus(v, first), 'i32x4')));
    });
  }
}

/**
 * Multiplies activations with nibbles (at most 15) in one byte dot. A lane of 16 bits sums 16
 * products of at most 15 * 127 and starts at least at -16256, so every partial sum fits.
 */
function byteGroup(outside: Builder, bytes: ByteDots): (b: Builder, group: Group) => void {
  const order = outside.let('order', apply(bytes.order));
  return (b, { vectors, mask, weights, scales, word, start, add: addRows }) => {
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
    b.loop('unroll', 'v', { to: vectors }, (_, v) =>
      addRows(v, bytes.scaled(acc.get(v), bytes.spread(scales(v, 'i8x16'), order))),
    );
  };
}
