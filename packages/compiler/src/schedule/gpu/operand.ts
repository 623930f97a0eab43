/**
 * Makes a contraction's x ready, by one workgroup for one token: attention's parts merged, normalised, as codes. Decoding does it inside
 * every workgroup of the contraction, in shared memory (x is a few KiB, a dispatch costs more); a tile of tokens gets a kernel of its own.
 */
import type { Activations } from '../../formats/format.ts';
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
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel, KernelBuffer } from '../../loops/ir.ts';
import { maxLanes, sumLanes } from '../../loops/math.ts';
import { type BufferId, type FusedOp, padded } from '../../program/ir.ts';
import { mergedAttention } from './attention.ts';
import { reduceAll } from './reduce.ts';
import type { GpuScope } from './scope.ts';

type Contract = Extract<FusedOp, { op: 'contract' }>;
/** x at a feature, or at four from there on. */
type Source = (b: Builder, feature: Index, type: 'f32' | 'f32x4') => Expr;

/** Invocations that prepare one token. */
const LANES = 128;

/** Whether there is anything to do. */
export function needsOperand({ prologue: { merge, norm, quantise } }: Contract): boolean {
  return merge !== null || norm !== null || quantise !== null;
}

/** The kernel that makes x of every token of a tile ready, in the arena. */
export function operandKernel(scope: GpuScope, op: Contract): Kernel {
  scope.perToken(LANES, (b, lane, token) => void operand(scope, b, { op, lane, lanes: LANES, token, in: 'arena' }));
  return scope.kernel(`${op.name}.operand`);
}

/** Where an operand that `operandKernel` made lies, for all tokens. */
export function arenaOperand(scope: GpuScope, op: Contract): { readonly x: Activations; readonly home: BufferId } {
  const { norm, quantise } = op.prologue;
  const home = quantise?.codes ?? norm?.out ?? op.x;
  return { x: { ...scope.activations(norm?.out ?? op.x, quantise), sums: null, groups: 0 }, home };
}

/** Writes the statements that make row `token` of x ready. In workgroup memory, it is row 0 of what is returned. */
export function operand(
  scope: GpuScope,
  b: Builder,
  {
    op,
    lane,
    lanes,
    token,
    in: place,
  }: {
    readonly op: Contract;
    readonly lane: Expr;
    readonly lanes: number;
    readonly token: Index;
    readonly in: 'workgroup' | 'arena';
  },
): Activations {
  const { merge, norm, quantise } = op.prologue;
  const { depth } = op;
  const scratch = scope.shared('scratch', 'f32', lanes, 'one entry an invocation');
  let source: Source = merge ? mergedAttention(scope, merge, token) : row(scope, b, op.x, token);
  if (norm)
    source = normalised(scope, b, { source, gain: norm.gain, eps: norm.eps, width: depth, lane, lanes, scratch });
  if (norm || merge) {
    // floats are wanted in the end, or codes are made of them
    const staged =
      place === 'workgroup' || quantise
        ? { buffer: scope.shared('staged', 'f32', padded(depth, 4), 'x of this token'), at: i32(0) }
        : { buffer: scope.arena(norm ? norm.out : op.x, 'write'), at: rowOf(scope, norm ? norm.out : op.x, token) };
    b.loop('serial', 'i', { from: lane, to: depth, step: lanes }, (inner, i) =>
      inner.store(staged.buffer, plus(staged.at, i), source(inner, i, 'f32')),
    );
    b.barrier();
    source = (_, feature, type) => load(staged.buffer, plus(staged.at, feature), type);
    if (!quantise) return { values: staged.buffer, stride: padded(depth, 4), scales: null, sums: null, groups: 0 };
  }
  if (!quantise) throw new Error(`${op.name}: nothing to make ready`);
  const width = scope.width(quantise.codes);
  const codes =
    place === 'workgroup'
      ? { buffer: scope.shared('codes', 'i32', width / 4, 'x as int8, four a word'), at: i32(0) }
      : {
          buffer: scope.arena(quantise.codes, 'write'),
          at: b.let('codesAt', times(rowIndex(scope, quantise.codes, token), width / 4)),
        };
  const scale =
    place === 'workgroup'
      ? { buffer: scope.shared('scale', 'f32', 4, 'of the codes'), at: i32(0) }
      : { buffer: scope.arena(quantise.scales, 'write'), at: plus(rowIndex(scope, quantise.scales, token), 0) };
  quantised(b, { source, depth, width, lane, lanes, scratch, codes, scale });
  if (place === 'workgroup') b.barrier();
  return { values: codes.buffer, stride: width, scales: scale.buffer, sums: null, groups: 0 };
}

/** Whether an operand fits the shared memory of a contraction's workgroups, beside `besides` bytes. */
export function fitsWorkgroup(scope: GpuScope, op: Contract, lanes: number, besides: number): boolean {
  const { merge, norm, quantise } = op.prologue;
  const staged = norm || merge ? 4 * padded(op.depth, 4) : 0;
  const codes = quantise ? scope.width(quantise.codes) + 16 : 0;
  return staged + codes + 4 * lanes + besides <= scope.profile.workgroupBytes;
}

const rowIndex = (scope: GpuScope, id: BufferId, token: Index): Expr => plus(scope.bufferRow(id, token), 0);
const rowOf = (scope: GpuScope, id: BufferId, token: Index): Expr => times(rowIndex(scope, id, token), scope.width(id));

/** A buffer's row. */
export function row(scope: GpuScope, b: Builder, id: BufferId, token: Index): Source {
  const buffer = scope.arena(id, 'read');
  const at = b.let('xRow', rowOf(scope, id, token));
  return (_, feature, type) => load(buffer, plus(at, feature), type);
}

/** Runs over `width` features, four an invocation; what is left over falls to every invocation. */
function eachOfMine(
  b: Builder,
  { width, lane, lanes }: { width: number; lane: Expr; lanes: number },
  whole: (b: Builder, feature: Expr) => void,
  rest: (feature: number) => void,
): void {
  const quads = Math.floor(width / 4);
  if (quads > 0)
    b.loop('serial', 'quad', { from: lane, to: quads, step: lanes }, (inner, q) => whole(inner, times(q, 4)));
  for (let i = 4 * quads; i < width; i++) rest(i);
}

/** RMSNorm: x / sqrt(mean of squares + eps) * gain. */
export function normalised(
  scope: GpuScope,
  b: Builder,
  {
    source,
    gain,
    eps,
    width,
    lane,
    lanes,
    scratch,
  }: {
    readonly source: Source;
    readonly gain: number;
    readonly eps: number;
    readonly width: number;
    readonly lane: Expr;
    readonly lanes: number;
    readonly scratch: KernelBuffer;
  },
): Source {
  const gains = scope.vector(gain);
  const sum4 = b.variable('sum4', constant('f32x4', 0));
  const rest: Expr[] = [];
  eachOfMine(
    b,
    { width, lane, lanes },
    (inner, i) => {
      const v = inner.let('v', source(inner, i, 'f32x4'));
      sum4.set(add(sum4.get(), mul(v, v)));
    },
    (i) => rest.push(b.let('v', source(b, i, 'f32'))),
  );
  const mine = reduceAll(b, scratch, lane, lanes, sumLanes(b, sum4.get()), add);
  const total = rest.reduce((sum, v) => add(sum, mul(v, v)), mine);
  const inverse = b.let('inverse', apply('div', f32(1), apply('sqrt', add(mul(total, f32(1 / width)), f32(eps)))));
  return (inner, i, type) => {
    const scaled = mul(source(inner, i, type), type === 'f32' ? inverse : apply('splat', inverse));
    return mul(scaled, load(gains, i, type));
  };
}

interface Place {
  readonly buffer: KernelBuffer;
  readonly at: Expr;
}

/** Codes and scale as q8 has them (`schedule/quantise.ts`); codes behind the last feature are zero. */
export function quantised(
  b: Builder,
  {
    source,
    depth,
    width,
    lane,
    lanes,
    scratch,
    codes,
    scale,
  }: {
    readonly source: Source;
    readonly depth: number;
    readonly width: number;
    readonly lane: Expr;
    readonly lanes: number;
    readonly scratch: KernelBuffer;
    readonly codes: Place;
    readonly scale: Place;
  },
): void {
  const max4 = b.variable('max4', constant('f32x4', 0));
  const rest: Expr[] = [];
  eachOfMine(
    b,
    { width: depth, lane, lanes },
    (inner, i) => max4.set(apply('max', max4.get(), apply('abs', source(inner, i, 'f32x4')))),
    (i) => rest.push(b.let('v', source(b, i, 'f32'))),
  );
  const max = (x: Expr, y: Expr): Expr => apply('max', x, y);
  const mine = reduceAll(b, scratch, lane, lanes, maxLanes(b, max4.get()), max);
  const largest = b.let(
    'largest',
    rest.reduce((m, v) => max(m, apply('abs', v)), mine),
  );
  const first = apply('less', lane, i32(1));
  b.when(first, (inner) => inner.store(scale.buffer, scale.at, mul(largest, f32(1 / 127))));
  // 127 / 0 is not wanted: an all-zero token has codes 0
  const hasValues = apply('less', f32(0), largest);
  const inverse = b.let('inverse', apply('select', hasValues, apply('div', f32(127), largest), f32(0)));
  const code = (v: Expr): Expr => apply('nearestInt', mul(v, v.type === 'f32' ? inverse : apply('splat', inverse)));
  const word = (i: Index) => plus(codes.at, quotient(i, 4));
  eachOfMine(
    b,
    { width: depth, lane, lanes },
    (inner, i) => inner.store(codes.buffer, word(i), apply('packBytes', code(source(inner, i, 'f32x4')))),
    () => {},
  );
  const whole = depth - rest.length;
  const packed = rest
    .map((v, i) => apply('shl', apply('and', code(v), i32(255)), i32(8 * i)))
    .reduce<Expr>((sum, c) => plus(sum, c), i32(0));
  if (rest.length > 0) b.when(first, (inner) => inner.store(codes.buffer, word(whole), packed));
  const behind = padded(depth, 4) / 4;
  if (behind < width / 4)
    b.loop('serial', 'zero', { from: plus(lane, behind), to: width / 4, step: lanes }, (inner, w) =>
      inner.store(codes.buffer, plus(codes.at, w), i32(0)),
    );
}
