/**
 * Activation codes of one token (q8): scale = max|x| / 127, code = round(x / scale), half to even; x of all zeros has scale 0. The codes
 * belong to the format: every target and variant computes these same integers.
 */
import {
  add,
  apply,
  applyLanes,
  type Builder,
  constant,
  f32,
  type Index,
  i32,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  times,
} from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import { maxLanes } from '../loops/math.ts';
import type { BufferId, Quantised } from '../program/ir.ts';
import type { KernelScope } from './scope.ts';

/** Writes the statements that quantise row `token` of x, `depth` features, into codes (padded with zeros to words) and a scale. */
export function quantiseToken(
  scope: KernelScope,
  b: Builder,
  { x, depth, codes, scales, sums }: Quantised & { readonly x: BufferId; readonly depth: number },
  token: Index,
): void {
  const source = scope.arena(x, 'read');
  const row = b.let('xRow', times(scope.bufferRow(x, token), scope.width(x)));
  const whole = depth - (depth % 4);
  const max4 = b.variable('max4', constant('f32x4', 0));
  b.loop('serial', 'i', { to: whole, step: 4 }, (_, i) =>
    max4.set(apply('max', max4.get(), apply('abs', load(source, plus(row, i), 'f32x4')))),
  );
  const largest = b.variable('largest', maxLanes(b, max4.get()));
  const tail = [...Array(depth - whole).keys()].map((i) => load(source, plus(row, whole + i), 'f32'));
  for (const x of tail) largest.set(apply('max', largest.get(), apply('abs', x)));
  b.store(scope.arena(scales, 'write'), scope.bufferRow(scales, token), mul(largest.get(), f32(1 / 127)));
  // 127 / 0 is not wanted: an all-zero token has codes 0
  const hasValues = apply('less', f32(0), largest.get());
  const inverse = b.let('inverse', apply('select', hasValues, apply('div', f32(127), largest.get()), f32(0)));
  const words = scope.arena(codes, 'write');
  const wordRow = b.let('wordRow', times(scope.bufferRow(codes, token), scope.width(codes) / 4));
  const code = (v: Expr): Expr =>
    apply('toInt', apply('nearest', mul(v, v.type === 'f32' ? inverse : apply('splat', inverse))));
  b.loop('serial', 'i', { to: whole, step: 4 }, (inner, i) =>
    inner.store(words, plus(wordRow, quotient(i, 4)), apply('packBytes', code(load(source, plus(row, i), 'f32x4')))),
  );
  if (tail.length > 0) {
    const word = tail
      .map((v, i) => apply('shl', apply('and', code(v), i32(255)), i32(8 * i)))
      .reduce((a, c) => plus(a, c));
    b.store(words, plus(wordRow, whole / 4), word);
  }
  if (sums !== null) sumCodes(scope, b, codes, sums, token);
}

/**
 * Sums of codes for formats that store a code c as c + 8: a dot with c + 8 is 8 times the sum of the activations too large, so it starts
 * from -8 times that sum. Per group one word of two i16, for the pairs of columns that share a lane. What lies behind the last column
 * cancels itself, since weights are stored as 8 there.
 */
function sumCodes(scope: KernelScope, b: Builder, codes: BufferId, sums: BufferId, token: Index): void {
  const groups = scope.width(sums);
  const wordsPerGroup = scope.width(codes) / 4 / groups;
  const words = scope.arena(codes, 'read');
  const out = scope.arena(sums, 'write');
  const wordRow = b.let('wordRow', times(scope.bufferRow(codes, token), scope.width(codes) / 4));
  const sumRow = b.let('sumRow', times(scope.bufferRow(sums, token), groups));
  b.loop('serial', 'g', { to: groups }, (perGroup, g) => {
    const acc = perGroup.variable('acc', apply('splat16', i32(0)));
    const from = perGroup.let('from', plus(wordRow, times(g, wordsPerGroup)));
    perGroup.loop('unroll', 'w', { to: wordsPerGroup }, (_, w) =>
      acc.set(add(acc.get(), apply('widenLow', loadSplat(words, plus(from, w), 'i8x16')))),
    );
    const pairs = perGroup.let('pairs', apply('dotPairs', acc.get(), apply('splat16', i32(-8))));
    const lane = (i: number) => apply('and', applyLanes('extract', [i], pairs), i32(0xffff));
    perGroup.store(out, plus(sumRow, g), add(lane(0), apply('shl', lane(1), i32(16))));
  });
}
