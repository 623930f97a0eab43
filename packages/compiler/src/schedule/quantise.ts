/**
 * Activation codes of one token (q8): scale = max|x| / 127, code = round(x / scale), half to even; x of all zeros has scale 0. The codes
 * belong to the format: every target and variant computes these same integers.
 */
import {
  apply,
  type Builder,
  constant,
  f32,
  type Index,
  i32,
  load,
  mul,
  plus,
  quotient,
  times,
} from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import { maxLanes } from '../loops/math.ts';
import type { BufferId } from '../program/ir.ts';
import type { KernelScope } from './scope.ts';

/** Writes the statements that quantise row `token` of x, `depth` features, into codes (padded with zeros to words) and a scale. */
export function quantiseToken(
  scope: KernelScope,
  b: Builder,
  { x, depth, codes, scales }: { x: BufferId; depth: number; codes: BufferId; scales: BufferId },
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
}
