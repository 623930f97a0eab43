/**
 * RMSNorm and LayerNorm of one token: reductions in f32, then gain and bias. A norm is a kernel, or
 * the prologue of a contraction.
 */
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
  sub,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { sumLanes } from '../../loops/math.ts';
import type { BufferId, FusedOp, Norm } from '../../program/ir.ts';
import { type CpuScope, eachFeature } from './scope.ts';

interface NormOfRow {
  readonly x: BufferId;
  readonly norm: Norm;
  readonly width: number;
  readonly out: BufferId;
  /** First feature in a row of x and of `out`; 0 by default. */
  readonly from?: Index;
}

/**
 * Writes the statements that compute the mean (LayerNorm only) and 1 / deviation of row `token` of
 * x; returns a function that gives a normalised feature.
 */
function normalised(
  scope: CpuScope,
  b: Builder,
  { x, norm: { centred, gain, bias, eps }, width, from = 0 }: NormOfRow,
  token: Index,
): (feature: Expr, type: 'f32' | 'f32x4') => Expr {
  const source = scope.arena(x, 'read');
  const row = b.let('xRow', plus(times(scope.bufferRow(x, token), scope.width(x)), from));
  const read = (at: Index, type: 'f32' | 'f32x4'): Expr => load(source, plus(row, at), type);
  const spread = (e: Expr, type: 'f32' | 'f32x4'): Expr => (type === 'f32' ? e : apply('splat', e));
  const mean = centred
    ? b.let(
        'mean',
        mul(
          rowSum(b, width, (_, at, type) => read(at, type)),
          f32(1 / width),
        ),
      )
    : null;
  const centre = (e: Expr, type: 'f32' | 'f32x4'): Expr => (mean ? sub(e, spread(mean, type)) : e);
  const total = rowSum(b, width, (inner, at, type) => {
    const v = inner.let('v', centre(read(at, type), type));
    return mul(v, v);
  });
  const inverse = b.let('inverse', apply('div', f32(1), apply('sqrt', add(mul(total, f32(1 / width)), f32(eps)))));
  const inverse4 = b.let('inverse4', apply('splat', inverse));
  const gains = gain === null ? null : scope.vector(gain);
  const biases = bias === null ? null : scope.vector(bias);
  return (i, type) => {
    const scaled = mul(centre(read(i, type), type), type === 'f32' ? inverse : inverse4);
    const gained = gains ? mul(scaled, load(gains, i, type)) : scaled;
    return biases ? add(gained, load(biases, i, type)) : gained;
  };
}

/**
 * Writes the sum of `each` over `width` features. It keeps four independent sums, so that an
 * addition does not wait for the previous one.
 */
function rowSum(b: Builder, width: number, each: (b: Builder, feature: Index, type: 'f32' | 'f32x4') => Expr): Expr {
  const sum4 = b.registers('sum4', 4, constant('f32x4', 0));
  const sum = b.variable('sum', f32(0));
  const sixteens = width - (width % 16);
  if (sixteens > 0)
    b.loop('serial', 'i', { to: sixteens, step: 16 }, (inner, i) =>
      inner.loop('unroll', 'j', { to: 4 }, (one, j) =>
        sum4.set(add(sum4.get(j), each(one, plus(i, times(j, 4)), 'f32x4')), j),
      ),
    );
  eachFeature(b, sixteens, width, (inner, i, type) => {
    const into = type === 'f32' ? sum : sum4;
    const at = type === 'f32' ? undefined : 0;
    into.set(add(into.get(at), each(inner, i, type)), at);
  });
  const four = add(add(sum4.get(0), sum4.get(1)), add(sum4.get(2), sum4.get(3)));
  return add(sumLanes(b, four), sum.get());
}

/** Writes the statements that normalise row `token` of x into row `outRow` of `out`. */
export function normaliseToken(scope: CpuScope, b: Builder, of: NormOfRow, token: Index, outRow: Index): void {
  const value = normalised(scope, b, of, token);
  const target = scope.arena(of.out, 'write');
  const row = b.let('outRow', plus(times(outRow, scope.width(of.out)), of.from ?? 0));
  eachFeature(b, 0, of.width, (inner, i, type) => inner.store(target, plus(row, i), value(i, type)));
}

/** The kernel of a norm that is not a prologue. */
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

/** The kernel of a norm over each head. Heads are independent, so their loop is a `grid` loop. */
function headsKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'normalise' }>): Kernel {
  const tokens = scope.lowering === 'decode' ? 1 : scope.scalar('count');
  scope.b.loop('grid', 'item', { to: times(tokens, op.heads) }, (b, item) => {
    const token = b.let('token', scope.lowering === 'decode' ? i32(0) : quotient(item, op.heads));
    const from = b.let('from', times(remainder(item, op.heads), op.width));
    normaliseToken(scope, b, { ...op, from }, token, scope.bufferRow(op.out, token));
  });
  return scope.kernel(op.name);
}
