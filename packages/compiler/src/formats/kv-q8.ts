/**
 * q8 keys and values: int8 codes and one f32 scale per position and head; all codes of a part
 * precede all its scales (docs/decisions.md, "KV q8, exactly"). Queries are codes too, so a score
 * is an exact integer dot. Softmax weights become codes of 15 bits, relative to the largest of
 * their chunk, so values are also summed in exact pair products. A position of 64 features is at
 * most a cache line, and is read once for all query heads of its key head.
 */
import {
  add,
  apply,
  applyLanes,
  type Builder,
  constant,
  f32,
  i32,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  times,
} from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import { maxAcross, sumFour, sumLanes } from '../loops/math.ts';
import type { Features } from '../loops/types.ts';
import type { KvFormat, KvShape } from './kv.ts';

/** Largest code of a weight: 64 products of it with 127 stay far below 2^31. */
const LARGEST = 32767;

const codesBytes = ({ kvHeads, positions, stride }: KvShape): number => kvHeads * positions * stride;

/**
 * How codes of queries and keys are multiplied: Arm's dots of signed bytes; AVX-VNNI's of keys raised
 * by 128, with sums that start lower; or exact pairs of 16 bits.
 */
function products(b: Builder, features: Features): KeyProducts {
  const bytes = { step: 16, type: 'i8x16' } as const;
  if (features.has('sdot'))
    return { ...bytes, key: (codes) => codes, add: (sum, q, k) => apply('dotAddSigned', q, k, sum) };
  if (features.has('vnni')) {
    const sign = b.let('sign', apply('splat8', i32(-128)));
    return {
      ...bytes,
      key: (codes) => apply('raiseBytes', codes, sign),
      add: (sum, q, k) => apply('dotAdd', q, k, sum),
    };
  }
  return { step: 8, type: 'i16x8', key: (codes) => codes, add: (sum, q, k) => add(sum, apply('dotPairs', q, k)) };
}

interface KeyProducts {
  /** Codes that are multiplied together, and the vector that holds them. */
  readonly step: number;
  readonly type: 'i8x16' | 'i16x8';
  key(codes: Expr): Expr;
  add(sum: Expr, query: Expr, key: Expr): Expr;
}

export const kvQ8: KvFormat = {
  headsAtOnce: 3,
  // two vectors, six sums: with four vectors and twelve sums an engine runs out of registers (5 %
  // of a token at a long context)
  vectorsAtOnce: 2,
  strideMultiple: 16,

  rows: (shape) => {
    const { kvHeads: heads, positions, stride } = shape;
    return [
      { offset: 0, heads, positions, bytes: stride },
      { offset: codesBytes(shape), heads, positions, bytes: 4 },
    ];
  },

  views(name, address, shape, access) {
    const { kvHeads, positions, stride } = shape;
    const rows = `[${kvHeads}, ${positions}, ${stride}] int8`;
    const scales = { ...address, offset: address.offset + codesBytes(shape) };
    return [
      access === 'read'
        ? { name, element: 'i8', address, length: codesBytes(shape), access, note: rows }
        : { name, element: 'i32', address, length: codesBytes(shape) / 4, access, note: `${rows}, four a word` },
      {
        name: `${name}.scale`,
        element: 'f32',
        address: scales,
        length: kvHeads * positions,
        access,
        note: `[${kvHeads}, ${positions}]`,
      },
    ];
  },

  uses: ['vnni', 'sdot'],
  start(b, values, at, { stride }, features) {
    if (!features.has('vnni')) return null;
    const ones = b.let('ones', apply('splat8', i32(1)));
    const sum = b.variable('sum', constant('i32x4', 0));
    b.loop('serial', 'i', { to: stride, step: 16 }, (_, i) =>
      sum.set(apply('dotAdd', load(values, plus(at, i), 'i8x16'), ones, sum.get())),
    );
    return b.let('start', mul(sum.get(), constant('i32x4', -128)));
  },

  scores(b, [keys, scales], { stride }, queries, row, features) {
    const heads = queries.at.length;
    const acc = b.registers('acc', heads * 4, constant('i32x4', 0));
    const from = b.let('keyAt', times(row, stride));
    for (const [h, start] of queries.starts.entries()) if (start) for (let p = 0; p < 4; p++) acc.set(start, h * 4 + p);
    const { step, type, ...multiply } = products(b, features);
    b.loop('serial', 'i', { to: stride, step }, (inner, i) => {
      const q = queries.at.map((at) => inner.let('q', load(queries.values, plus(at, i), type)));
      const at = inner.let('at', plus(from, i));
      for (let p = 0; p < 4; p++) {
        const k = inner.let('k', multiply.key(load(keys!, plus(at, p * stride), type)));
        for (let h = 0; h < heads; h++) acc.set(multiply.add(acc.get(h * 4 + p), q[h]!, k), h * 4 + p);
      }
    });
    const scale = b.let('keyScales', load(scales!, row, 'f32x4'));
    return queries.scales.map((queryScale, h) => {
      const dots = sumFour(
        b,
        [0, 1, 2, 3].map((p) => acc.get(h * 4 + p)),
      );
      return mul(apply('toFloat', dots), mul(scale, queryScale));
    });
  },

  weights: {
    scaled: (b, [, scales], row, weight) => mul(weight, b.let('valueScales', load(scales!, row, 'f32x4'))),

    encode(b, weights, at, count, codes) {
      const most = b.registers('mostWeight', 2, constant('f32x4', 0));
      b.loop('serial', 'p', { to: count, step: 8 }, (_, p) => {
        for (const i of [0, 1])
          most.set(apply('max', most.get(i), load(weights, plus(plus(at, p), 4 * i), 'f32x4')), i);
      });
      const largest = b.let(
        'largestWeight',
        applyLanes('extract', [0], maxAcross(b, apply('max', most.get(0), most.get(1)))),
      );
      // if all values are zero, their scales and scaled weights are zero too
      const hasWeights = apply('less', f32(0), largest);
      const inverse = b.let(
        'inverse',
        apply('splat', apply('select', hasWeights, apply('div', f32(LARGEST), largest), f32(0))),
      );
      b.loop('serial', 'p', { to: count, step: 8 }, (inner, p) => {
        const code = (i: number) => apply('nearestInt', mul(load(weights, plus(plus(at, p), i), 'f32x4'), inverse));
        inner.store(codes, quotient(plus(at, p), 2), apply('packPairs', code(0), code(4)));
      });
      return mul(largest, f32(1 / LARGEST));
    },
  },

  values(b, [values], { stride }, weights, row, count, first, vectors) {
    const heads = weights.at.length;
    const acc = b.registers('acc', heads * vectors, constant('i32x4', 0));
    const interleave = first % 16 === 0 ? 'interleaveLow' : 'interleaveHigh';
    const from = b.let('valueAt', plus(times(row, stride), first - (first % 16)));
    const wordAt = weights.at.map((at) => b.let('wordAt', quotient(at, 2)));
    b.loop('serial', 'p', { to: count, step: 2 }, (inner, p) => {
      const pair = inner.let('pair', quotient(p, 2));
      const w = wordAt.map((at) => inner.let('w', loadSplat(weights.values, plus(at, pair), 'i16x8')));
      const at = inner.let('at', plus(from, times(p, stride)));
      const [even, odd] = [0, stride].map((next) => inner.let('v', load(values!, plus(at, next), 'i8x16'))) as [
        Expr,
        Expr,
      ];
      // the lanes of two positions, alternating, feature by feature
      const both = inner.let('both', apply(interleave, even, odd));
      for (const [i, widen] of (['widenLow', 'widenHigh'] as const).slice(0, vectors).entries()) {
        const v = inner.let('pairs', apply(widen, both));
        for (let h = 0; h < heads; h++)
          acc.set(add(acc.get(h * vectors + i), apply('dotPairs', w[h]!, v)), h * vectors + i);
      }
    });
    return (h, v) => mul(apply('toFloat', acc.get(h * vectors + v)), weights.scales[h]!);
  },

  slice: {
    sum: 'i32x4',
    query: (stride) => ({ element: 'i32', length: stride / 4 }),

    score(b, [keys, scales], { stride }, { values, scale }, row) {
      const at = b.let('keyAt', times(row, stride));
      const acc = b.variable('acc', constant('i32x4', 0));
      b.loop('serial', 'i', { to: stride, step: 16 }, (_, i) => {
        const dots = apply('dotWords', load(values, quotient(i, 4), 'i8x16'), load(keys!, plus(at, i), 'i8x16'));
        acc.set(add(acc.get(), dots));
      });
      return mul(apply('toFloat', sumLanes(b, acc.get())), mul(load(scales!, row, 'f32'), scale));
    },

    codes: {
      scaled: ([, scales], row, weight) => mul(weight, load(scales!, row, 'f32')),
      largest: LARGEST,
    },

    product: ([values], { stride }, { buffer }, p, row, feature) =>
      mul(apply('splat', load(buffer, p, 'i32')), load(values!, plus(times(row, stride), feature), 'i32x4')),
  },
};
