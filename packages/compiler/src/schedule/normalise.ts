/** RMSNorm of one token: the reduction in f32, then x * inv * gain. Used as a kernel and as a contraction's prologue. */
import { add, apply, type Builder, constant, f32, type Index, load, mul, plus, times } from '../loops/build.ts';
import type { Kernel } from '../loops/ir.ts';
import { sumLanes } from '../loops/math.ts';
import type { BufferId, FusedOp, PackId } from '../program/ir.ts';
import { eachFeature, type KernelScope } from './scope.ts';

/** Writes the statements that normalise row `token` of x into `out`. */
export function normaliseToken(
  scope: KernelScope,
  b: Builder,
  { x, gain, eps, width, out }: { x: BufferId; gain: PackId; eps: number; width: number; out: BufferId },
  token: Index,
): void {
  const source = scope.arena(x, 'read');
  const row = b.let('xRow', times(scope.bufferRow(x, token), scope.width(x)));
  const sum4 = b.variable('sum4', constant('f32x4', 0));
  const sum = b.variable('sum', f32(0));
  eachFeature(b, width, (inner, i, type) => {
    const v = inner.let('v', load(source, plus(row, i), type));
    const into = type === 'f32' ? sum : sum4;
    into.set(add(into.get(), mul(v, v)));
  });
  const total = add(sumLanes(b, sum4.get()), sum.get());
  const inverse = b.let('inverse', apply('div', f32(1), apply('sqrt', add(mul(total, f32(1 / width)), f32(eps)))));
  const inverse4 = b.let('inverse4', apply('splat', inverse));
  const gains = scope.vector(gain);
  const target = scope.arena(out, 'write');
  const outRow = b.let('outRow', times(scope.bufferRow(out, token), scope.width(out)));
  eachFeature(b, width, (inner, i, type) => {
    const scaled = mul(load(source, plus(row, i), type), type === 'f32' ? inverse : inverse4);
    inner.store(target, plus(outRow, i), mul(scaled, load(gains, i, type)));
  });
}

/** A norm that stands alone. */
export function normaliseKernel(scope: KernelScope, op: Extract<FusedOp, { op: 'normalise' }>): Kernel {
  scope.eachToken(scope.b, 1, (b, token) => normaliseToken(scope, b, op, token));
  return scope.kernel(op.name);
}
