/**
 * Keys and values as f32 or halves; all arithmetic is f32. Four positions and two heads at a time:
 * their eight sums and the operands fill the registers.
 */
import { add, apply, constant, load, loadSplat, mul, plus, times } from '../loops/build.ts';
import { sumFour, sumLanes } from '../loops/math.ts';
import { elementBytes } from '../loops/types.ts';
import type { KvFormat } from './kv.ts';

export const kvFloats = (element: 'f32' | 'f16'): KvFormat => ({
  headsAtOnce: 2,
  vectorsAtOnce: 4,
  strideMultiple: 4,

  rows: ({ kvHeads: heads, positions, stride }) => [
    { offset: 0, heads, positions, bytes: stride * elementBytes(element) },
  ],

  views(name, address, { kvHeads, positions, stride }, access) {
    const note = `[${kvHeads}, ${positions}, ${stride}]`;
    return [{ name, element, address, length: kvHeads * positions * stride, access, note }];
  },

  uses: [],
  start: () => null,

  scores(b, [keys], { stride }, queries, row) {
    const heads = queries.at.length;
    const acc = b.registers('acc', heads * 4, constant('f32x4', 0));
    const from = b.let('keyAt', times(row, stride));
    b.loop('serial', 'i', { to: stride, step: 4 }, (inner, i) => {
      const q = queries.at.map((at) => inner.let('q', load(queries.values, plus(at, i), 'f32x4')));
      const at = inner.let('at', plus(from, i));
      for (let p = 0; p < 4; p++) {
        const k = inner.let('k', load(keys!, plus(at, p * stride), 'f32x4'));
        for (let h = 0; h < heads; h++) acc.set(add(acc.get(h * 4 + p), mul(q[h]!, k)), h * 4 + p);
      }
    });
    return queries.scales.map((scale, h) => {
      const sums = sumFour(
        b,
        [0, 1, 2, 3].map((p) => acc.get(h * 4 + p)),
      );
      return mul(sums, scale);
    });
  },

  weights: null,

  values(b, [values], { stride }, weights, row, count, first, vectors) {
    const heads = weights.at.length;
    const acc = b.registers('acc', heads * vectors, constant('f32x4', 0));
    const from = b.let('valueAt', plus(times(row, stride), first));
    b.loop('serial', 'p', { to: count }, (inner, p) => {
      const w = weights.at.map((at) => inner.let('w', loadSplat(weights.values, plus(at, p), 'f32x4')));
      const at = inner.let('at', plus(from, times(p, stride)));
      for (let i = 0; i < vectors; i++) {
        const v = inner.let('v', load(values!, plus(at, 4 * i), 'f32x4'));
        for (let h = 0; h < heads; h++) acc.set(add(acc.get(h * vectors + i), mul(w[h]!, v)), h * vectors + i);
      }
    });
    return (h, v) => acc.get(h * vectors + v);
  },

  slice: {
    sum: 'f32x4',
    query: (stride) => ({ element: 'f32', length: stride }),

    score(b, [keys], { stride }, { values, scale }, row) {
      const at = b.let('keyAt', times(row, stride));
      const acc = b.variable('acc', constant('f32x4', 0));
      b.loop('serial', 'i', { to: stride, step: 4 }, (_, i) =>
        acc.set(add(acc.get(), mul(load(values, i, 'f32x4'), load(keys!, plus(at, i), 'f32x4')))),
      );
      return mul(sumLanes(b, acc.get()), scale);
    },

    codes: null,

    product: ([values], { stride }, { buffer }, p, row, feature) =>
      mul(apply('splat', load(buffer, p, 'f32')), load(values!, plus(times(row, stride), feature), 'f32x4')),
  },
});
