/**
 * f32 weights, and f16 weights (IEEE 754 binary16), which loads widen to f32. Rows are stored in
 * blocks, column by column, so that one activation is multiplied with `block` consecutive weights.
 * (32 interleaved rows reach the memory limit; 16 come within a few percent and need less padding.)
 * Layout [rows/block][depth][block].
 */
import { add, constant, load, loadSplat, mul, plus, quotient, remainder, times } from '../loops/build.ts';
import { toHalf } from '../loops/half.ts';
import { elementBytes } from '../loops/types.ts';
import { type Format, matrixBytes } from './format.ts';

/** Columns per iteration. */
const UNROLLED = 2;

/** The format that stores weights as these floats. */
export const floats = (name: 'f32' | 'f16'): Format => ({
  name,
  tables: name,
  integer: false,
  largest: name === 'f16' ? 65504 : Number.POSITIVE_INFINITY,
  depthMultiple: 1,
  uses: [],
  sums: () => null,

  storedRows: (block) => block,
  storedBytes: ({ block, depth }) => block * depth * elementBytes(name),

  packRows(rows, { block, depth }, into) {
    const [out, stored] =
      name === 'f16'
        ? [new Uint16Array(into.buffer, into.byteOffset, block * depth), toHalf]
        : [new Float32Array(into.buffer, into.byteOffset, block * depth), Math.fround];
    rows.forEach((row, r) => {
      if (row) for (let k = 0; k < depth; k++) out[k * block + r] = stored(row[k]!);
    });
  },

  views(matrix, address, rows, shape) {
    const size = elementBytes(name);
    const length = matrixBytes(rows, shape.block, shape, shape.block * shape.depth * size) / size;
    const note = `weights [${rows}, ${shape.depth}]`;
    return [{ name: matrix, element: name, address, length, access: 'read', note }];
  },

  element([w], { block, pitch }, row, column) {
    const base = plus(times(quotient(row, block), pitch / elementBytes(name)), remainder(row, block));
    return load(w!, plus(base, times(column, block)), 'f32');
  },

  panel: () => null,
  panelBytes: () => 0,

  dot(b, [w], { block, depth, pitch }, x, blockIndex, firstToken, tokens) {
    const vectors = block / 4;
    // one token: columns alternate between two sets of sums, since an addition waits for the
    // previous one
    const sets = tokens === 1 ? 2 : 1;
    const acc = b.registers('acc', tokens * vectors * sets, constant('f32x4', 0));
    const base = b.let('base', times(blockIndex, pitch / elementBytes(name)));
    const columns = (from: number, to: number, unrolled: number): void =>
      b.loop('serial', 'k', { from, to, step: unrolled }, (body, k) => {
        const wAt = body.let('wAt', plus(base, times(k, block)));
        body.loop('unroll', 'j', { to: unrolled }, (column, j) => {
          const xk = column.registers('xk', tokens, constant('f32x4', 0));
          column.loop('unroll', 't', { to: tokens }, (_, t) =>
            xk.set(loadSplat(x.values, plus(plus(times(plus(firstToken, t), x.stride), k), j), 'f32x4'), t),
          );
          column.loop('unroll', 'v', { to: vectors }, (inner, v) => {
            const wk = inner.let('wk', load(w!, plus(wAt, plus(times(j, block), times(v, 4))), 'f32x4'));
            inner.loop('unroll', 't', { to: tokens }, (_, t) => {
              const at = plus(times(plus(times(t, sets), remainder(j, sets)), vectors), v);
              acc.set(add(acc.get(at), mul(xk.get(t), wk)), at);
            });
          });
        });
      });
    const most = depth - (depth % UNROLLED);
    if (most > 0) columns(0, most, UNROLLED);
    if (most < depth) columns(most, depth, 1);
    return (t, v) => {
      const of = (set: number) => acc.get((t * sets + set) * vectors + v);
      return sets === 1 ? of(0) : add(of(0), of(1));
    };
  },

  // a piece is a column
  pieces: {
    reads: ['f32x4'],
    count: ({ depth }) => depth,
    read(b, [w], { block, pitch }, rows, k) {
      const base = b.let('base', plus(times(rows.block, pitch / elementBytes(name)), times(rows.vector, 4)));
      return [load(w!, plus(base, times(k, block)), 'f32x4')];
    },
    multiply(b, [wk], x, k, firstToken, tokens, sums) {
      b.loop('unroll', 't', { to: tokens }, (_, t) => {
        const xk = loadSplat(x.values, plus(times(plus(firstToken, t), x.stride), k), 'f32x4');
        sums.set(add(sums.get(t), mul(xk, wk!)), t);
      });
    },
  },
});
