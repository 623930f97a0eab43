/** RMSNorm of one token: the reduction in f32, then x * inv * gain. Used as a kernel and as a contraction's prologue. */
import {
  add,
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
  remainder,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { sumLanes } from '../../loops/math.ts';
import type { BufferId, FusedOp, PackId } from '../../program/ir.ts';
import { type CpuScope, eachFeature } from './scope.ts';

interface Norm {
  readonly x: BufferId;
  readonly gain: PackId;
  readonly eps: number;
  readonly width: number;
  readonly out: BufferId;
  /** First feature in a row of x and of `out`; 0 when left out. */
  readonly from?: Index;
}

/** Writes the statements that find 1 / rms of row `token` of x; returns what a feature becomes. */
function normalised(
  scope: CpuScope,
  b: Builder,
  { x, gain, eps, width, from = 0 }: Norm,
  token: Index,
): (feature: Expr, type: 'f32' | 'f32x4') => Expr {
  const source = scope.arena(x, 'read');
  const row = b.let('xRow', plus(times(scope.bufferRow(x, token), scope.width(x)), from));
  // four sums side by side, since an addition waits for the one before
  const sum4 = b.registers('sum4', 4, constant('f32x4', 0));
  const sum = b.variable('sum', f32(0));
  const square = (inner: Builder, at: Index, type: 'f32' | 'f32x4'): Expr => {
    const v = inner.let('v', load(source, plus(row, at), type));
    return mul(v, v);
  };
  const sixteens = width - (width % 16);
  if (sixteens > 0)
    b.loop('serial', 'i', { to: sixteens, step: 16 }, (inner, i) =>
      inner.loop('unroll', 'j', { to: 4 }, (one, j) =>
        sum4.set(add(sum4.get(j), square(one, plus(i, times(j, 4)), 'f32x4')), j),
      ),
    );
  eachFeature(b, sixteens, width, (inner, i, type) => {
    const into = type === 'f32' ? sum : sum4;
    const at = type === 'f32' ? undefined : 0;
    into.set(add(into.get(at), square(inner, i, type)), at);
  });
  const four = add(add(sum4.get(0), sum4.get(1)), add(sum4.get(2), sum4.get(3)));
  const total = add(sumLanes(b, four), sum.get());
  const inverse = b.let('inverse', apply('div', f32(1), apply('sqrt', add(mul(total, f32(1 / width)), f32(eps)))));
  const inverse4 = b.let('inverse4', apply('splat', inverse));
  const gains = scope.vector(gain);
  return (i, type) => {
    const scaled = mul(load(source, plus(row, i), type), type === 'f32' ? inverse : inverse4);
    return mul(scaled, load(gains, i, type));
  };
}

/** Writes the statements that normalise row `token` of x into row `outRow` of `out`. */
export function normaliseToken(scope: CpuScope, b: Builder, norm: Norm, token: Index, outRow: Index): void {
  const value = normalised(scope, b, norm, token);
  const target = scope.arena(norm.out, 'write');
  const row = b.let('outRow', plus(times(outRow, scope.width(norm.out)), norm.from ?? 0));
  eachFeature(b, 0, norm.width, (inner, i, type) => inner.store(target, plus(row, i), value(i, type)));
}

/** A norm that stands alone. */
export function normaliseKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'normalise' }>): Kernel {
  if (op.heads > 1) return headsKernel(scope, op);
  scope.eachFeatureOfToken(op.width, (b, token) => {
    const value = normalised(scope, b, op, token);
    const target = scope.arena(op.out, 'write');
    const row = b.let('outRow', times(scope.bufferRow(op.out, token), scope.width(op.out)));
    return (inner, i, type) => inner.store(target, plus(row, i), value(i, type));
  });
  return scope.kernel(op.name);
}

/** Heads are independent: `grid`. */
function headsKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'normalise' }>): Kernel {
  const tokens = scope.lowering === 'decode' ? 1 : scope.scalar('count');
  scope.b.loop('grid', 'item', { to: times(tokens, op.heads) }, (b, item) => {
    const token = b.let('token', scope.lowering === 'decode' ? i32(0) : quotient(item, op.heads));
    const from = b.let('from', times(remainder(item, op.heads), op.width));
    normaliseToken(scope, b, { ...op, from }, token, scope.bufferRow(op.out, token));
  });
  return scope.kernel(op.name);
}
