/**
 * Moves heads from one layout to another, with or without RoPE, for both targets. It computes four
 * features of the result at a time, or one where the layout has no whole vectors. Every place of
 * the result is written and padding is zero, because attention multiplies all of it.
 */
import {
  add,
  apply,
  type Builder,
  f32,
  type Index,
  i32,
  mul,
  Names,
  plus,
  quotient,
  remainder,
  sub,
  times,
} from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { ElementExpr, FusedOp } from '../program/ir.ts';
import type { Pairing } from '../program/packs.ts';
import type { KernelScope } from './scope.ts';

type HeadsOp = Extract<FusedOp, { kind: 'heads' }>;
type Rotation = NonNullable<HeadsOp['rope']>;

/** Features of the result per step, and steps per token. */
export function headsSteps({ heads, layout }: HeadsOp): { readonly step: 1 | 4; readonly count: number } {
  const step = layout.stride % 4 === 0 ? 4 : 1;
  return { step, count: (heads * layout.stride) / step };
}

/** Writes the statements that compute step `i` of a token's result. */
export function writeHeads(scope: KernelScope, b: Builder, op: HeadsOp, token: Index, i: Expr): void {
  const { step } = headsSteps(op);
  const { stride } = op.layout;
  const perHead = stride / step;
  const head = b.let('head', quotient(i, perHead));
  const place = b.let('place', times(remainder(i, perHead), step));
  store(scope, b, op, token, head, place, isVectorwise(op) ? four(scope, b, op, token, head, place) : gathered());

  function gathered(): Expr {
    const at = (lane: number): Expr => b.let('lane', one(scope, b, op, token, head, plus(place, lane)));
    return step === 1 ? at(0) : apply('vectorOf', at(0), at(1), at(2), at(3));
  }
}

/**
 * Whether four adjacent places of the result hold four adjacent features, and RoPE pairs them with
 * four adjacent features too.
 */
function isVectorwise({ rope, headDim, stride, layout }: HeadsOp): boolean {
  const pairs = rope || layout.pairing;
  const whole = pairs ? headDim % 8 === 0 : headDim % 4 === 0;
  return (
    whole &&
    layout.stride === headDim &&
    stride % 4 === 0 &&
    [rope?.pairing, layout.pairing].every((pairing) => !pairing || (pairing.by === 'half' && pairing.dims === null))
  );
}

/** f32x4: features place .. place + 3 of a head. */
function four(scope: KernelScope, b: Builder, op: HeadsOp, token: Index, head: Expr, place: Expr): Expr {
  const { x, stride, headDim, rope } = op;
  const value = scope.value(x, token);
  const row = b.let('from', times(head, stride));
  const own = value(b, plus(row, place), 'f32x4');
  if (!rope) return own;
  const half = headDim / 2;
  const isFirst = apply('less', place, i32(half));
  const partner = b.let('partner', apply('select', isFirst, plus(place, half), plus(place, -half)));
  const sign = apply('splat', apply('select', isFirst, f32(-1), f32(1)));
  const pair = b.let('pair', remainder(place, half));
  return turned(scope, b, rope, token, pair, 'f32x4', own, mul(value(b, plus(row, partner), 'f32x4'), sign));
}

/** f32: the feature of a head that belongs at `place` of the result, or zero. */
function one(scope: KernelScope, b: Builder, op: HeadsOp, token: Index, head: Expr, place: Expr): Expr {
  const { x, stride, headDim, rope, layout } = op;
  const value = scope.value(x, token);
  const row = times(head, stride);
  const plane = quotient(place, layout.half);
  const inPlane = remainder(place, layout.half);
  const width = layout.pairing ? headDim / 2 : headDim;
  const wanted = layout.pairing ? featureOf(layout.pairing, headDim, plane, inPlane) : inPlane;
  const isFeature = width === layout.half ? null : b.let('isFeature', apply('less', inPlane, i32(width)));
  const feature = b.let('feature', isFeature ? apply('select', isFeature, wanted, i32(0)) : wanted);
  const own = value(b, plus(row, feature), 'f32');
  const found = rope ? rotated(rope) : own;
  return isFeature ? apply('select', isFeature, found, f32(0)) : found;

  function rotated(rope: Rotation): Expr {
    const [which, pair] = pairAt(rope.pairing, headDim, feature).map((e) => b.let('pair', e)) as [Expr, Expr];
    const partner = value(b, plus(row, featureOf(rope.pairing, headDim, sub(i32(1), which), pair)), 'f32');
    const sign = apply('select', apply('less', which, i32(1)), f32(-1), f32(1));
    return turned(scope, b, rope, token, pair, 'f32', own, mul(partner, sign));
  }
}

/** The feature at index `inPlane` of a plane; the same rule as `pairedFeature`. */
function featureOf({ by, dims }: Pairing, headDim: number, plane: Expr, inPlane: Expr): Expr {
  const turned = dims ?? headDim;
  const paired = by === 'half' ? plus(times(plane, turned / 2), inPlane) : plus(times(inPlane, 2), plane);
  if (dims === null) return paired;
  const left = plus(plus(times(plane, (headDim - dims) / 2), inPlane), dims / 2);
  return apply('select', apply('less', inPlane, i32(dims / 2)), paired, left);
}

/** The plane of a feature and its index there: the inverse of `featureOf`. */
function pairAt({ by, dims }: Pairing, headDim: number, feature: Expr): readonly [Expr, Expr] {
  const half = (dims ?? headDim) / 2;
  const paired =
    by === 'half'
      ? ([quotient(feature, half), remainder(feature, half)] as const)
      : ([remainder(feature, 2), quotient(feature, 2)] as const);
  if (dims === null || dims === headDim) return paired;
  const isTurned = apply('less', feature, i32(dims));
  const rest = (headDim - dims) / 2;
  // Both branches are computed, and a quotient accepts no negative number: features below `dims`
  // use 0 here.
  const behind = apply('select', isTurned, i32(0), plus(feature, -dims));
  return [
    apply('select', isTurned, paired[0], quotient(behind, rest)),
    apply('select', isTurned, paired[1], plus(remainder(behind, rest), half)),
  ];
}

/** own cos + partner sin, at the angle of a pair. */
function turned(
  scope: KernelScope,
  b: Builder,
  { table }: Rotation,
  token: Index,
  pair: Expr,
  type: 'f32' | 'f32x4',
  own: Expr,
  partner: Expr,
): Expr {
  const half = scope.plan.program.ropeTables[table]!.stride;
  const names = new Names(b);
  const angle = (part: 'cos' | 'sin'): Expr => {
    const element: ElementExpr = { kind: 'rope', part, table, half };
    return scope.element(b, names, element, type, token, pair, noDot);
  };
  return add(mul(own, angle('cos')), mul(partner, angle('sin')));
}

function noDot(): never {
  throw new Error('a dot product outside a contraction');
}

function store(
  scope: KernelScope,
  b: Builder,
  { to, layout }: HeadsOp,
  token: Index,
  head: Expr,
  place: Expr,
  value: Expr,
): void {
  if (to.kind === 'buffer') {
    const row = times(scope.bufferRow(to.buffer, token), scope.width(to.buffer));
    b.store(scope.arena(to.buffer, 'write'), plus(row, plus(times(head, layout.stride), place)), value);
    return;
  }
  const { views, shape } = scope.state(to.part, 'write');
  const row = plus(times(head, shape.positions), scope.statePosition(to.part, token));
  b.store(views[0]!, plus(times(row, shape.stride), place), value);
}
