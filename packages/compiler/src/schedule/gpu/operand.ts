/**
 * Prepares a contraction's x, one workgroup per token: it merges attention's splits, applies the
 * norm and makes codes. Decoding does this inside every workgroup of the contraction (x is a few
 * KiB, a dispatch costs more); a tile of tokens has a separate kernel for it. Meanwhile x is held
 * in registers, a few features per invocation: each is read once, and invocations wait for each
 * other only in the sums and maxima over the row.
 */
import type { Activations } from '../../formats/format.ts';
import { GROUP } from '../../formats/group-quantiser.ts';
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
  sub,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel, KernelBuffer } from '../../loops/ir.ts';
import { maxLanes, sumLanes } from '../../loops/math.ts';
import type { BufferId, FusedOp, Kind, Norm } from '../../program/ir.ts';
import { type PackId, padded } from '../../program/packs.ts';
import { codesWidth, scalesWidth } from '../codes.ts';
import type { Value } from '../scope.ts';
import type { GpuProfile } from './profile.ts';
import { reduceAll } from './reduce.ts';
import type { GpuScope } from './scope.ts';
import { splitAttention } from './splits.ts';

type Contraction = Extract<FusedOp, { kind: 'contraction' }>;

/**
 * Invocations that prepare one token. This is the largest count that WebGPU guarantees, since they
 * wait for memory and for each other.
 */
export const OPERAND_LANES = 256;

/** Whether x needs any preparation. */
export function needsOperand(kind: Kind, { x, prologue }: Contraction, context: number): boolean {
  return prologue.codes || prologue.norm !== null || splitAttention(kind, x, context) !== null;
}

/**
 * Entries of shared memory for sums and maxima: one per invocation, and one for every four features
 * of which codes are made.
 */
function scratchLength(kind: Kind, op: Contraction): number {
  const quads = op.prologue.codes ? codesWidth(kind, op) / 4 : 0;
  return Math.max(OPERAND_LANES, quads);
}

/**
 * Whether decoding prepares x in the workgroup memory of the contraction, in addition to the sums
 * that are combined there.
 */
export function makesOperandInside(kind: Kind, op: Contraction, { workgroupBytes }: GpuProfile): boolean {
  const streams = Math.max(...op.segments.map(({ streams }) => streams.length));
  const sums = OPERAND_LANES * streams * 16;
  const x = op.prologue.codes ? codesWidth(kind, op) + 4 * padded(scalesWidth(kind, op), 4) : 4 * padded(op.depth, 4);
  return x + 4 * scratchLength(kind, op) + sums <= workgroupBytes;
}

/** The kernel that prepares x of every token of a tile, in the arena. */
export function operandKernel(scope: GpuScope, op: Contraction): Kernel {
  scope.perToken(OPERAND_LANES, (b, lane, token) => void operand(scope, b, { op, lane, token, in: 'arena' }));
  return scope.kernel(`${op.name}.operand`);
}

/** The arena buffers in which `operandKernel` leaves x, for all tokens. */
export function arenaOperand(scope: GpuScope, op: Contraction): { readonly x: Activations; readonly home: BufferId } {
  const { codes, floats = op.x } = op.scratch;
  return { x: scope.activations(floats, op.scratch), home: codes ?? floats };
}

/**
 * Writes the statements that prepare row `token` of x. In workgroup memory, the result is row 0 of
 * the returned activations.
 */
export function operand(
  scope: GpuScope,
  b: Builder,
  {
    op,
    lane,
    token,
    in: place,
  }: {
    readonly op: Contraction;
    readonly lane: Expr;
    readonly token: Index;
    readonly in: 'workgroup' | 'arena';
  },
): Activations {
  const { depth, scratch } = op;
  const { norm } = op.prologue;
  const group: Workgroup = { lane, lanes: OPERAND_LANES, scratch: scratchOf(scope, scratchLength(scope.kind, op)) };
  let x = held(b, group, depth, row(scope, b, op.x, token));
  if (norm) x = normalised(scope, b, group, x, norm);
  if (!op.prologue.codes) {
    const floats =
      place === 'workgroup'
        ? { buffer: scope.shared('floats', 'f32', padded(depth, 4), 'x of this token'), at: i32(0) }
        : { buffer: scope.arena(scratch.floats!, 'write'), at: rowOf(scope, scratch.floats!, token) };
    storeHeld(b, group, x, floats);
    if (place === 'workgroup') b.barrier();
    return { values: floats.buffer, stride: padded(depth, 4), scales: null, sums: null, groups: 0 };
  }
  const width = codesWidth(scope.kind, op);
  const codes =
    place === 'workgroup'
      ? { buffer: scope.shared('codes', 'i32', width / 4, 'x as int8, four a word'), at: i32(0) }
      : {
          buffer: scope.arena(scratch.codes!, 'write'),
          at: b.let('codesAt', times(rowIndex(scope, scratch.codes!, token), width / 4)),
        };
  const groups = scalesWidth(scope.kind, op);
  const scale =
    place === 'workgroup'
      ? { buffer: scope.shared('scale', 'f32', padded(groups, 4), 'of the codes'), at: i32(0) }
      : { buffer: scope.arena(scratch.scales!, 'write'), at: rowOf(scope, scratch.scales!, token) };
  quantisedInGroups(b, group, x, { width, codes, scale });
  if (place === 'workgroup') b.barrier();
  return { values: codes.buffer, stride: width, scales: scale.buffer, sums: null, groups };
}

const rowIndex = (scope: GpuScope, id: BufferId, token: Index): Expr => plus(scope.bufferRow(id, token), 0);
const rowOf = (scope: GpuScope, id: BufferId, token: Index): Expr => times(rowIndex(scope, id, token), scope.width(id));

/** The values of a buffer's row. */
export function row(scope: GpuScope, b: Builder, id: BufferId, token: Index): Value {
  if (splitAttention(scope.kind, id, scope.plan.program.context)) return scope.value(id, token);
  const buffer = scope.arena(id, 'read');
  const at = b.let('xRow', rowOf(scope, id, token));
  return (_, feature, type) => load(buffer, plus(at, feature), type);
}

/** Invocations that hold a row together, with one entry of shared memory each. */
export interface Workgroup {
  readonly lane: Expr;
  readonly lanes: number;
  readonly scratch: KernelBuffer;
}

/** f32: shared memory for sums and maxima, one entry per invocation or more. */
export function scratchOf(scope: GpuScope, entries: number): KernelBuffer {
  return scope.shared('scratch', 'f32', entries, 'sums and maxima');
}

/** A row in registers. */
export interface Held {
  readonly width: number;
  /**
   * f32x4: element i of this invocation is features 4 (lane + i lanes) and the next three; zeros
   * past the last four.
   */
  readonly quads: readonly Expr[];
  /** f32: the last features, fewer than four; every invocation holds them. */
  readonly rest: readonly Expr[];
}

/** Runs the body for every quad of a row that an invocation holds. */
function eachQuad(
  b: Builder,
  { lane, lanes }: Workgroup,
  width: number,
  run: (b: Builder, i: number, feature: Expr) => void,
): void {
  const quads = Math.floor(width / 4);
  for (let i = 0; i * lanes < quads; i++) {
    const its = (b: Builder) => run(b, i, times(plus(lane, i * lanes), 4));
    if ((i + 1) * lanes <= quads) its(b);
    else b.when(apply('less', lane, i32(quads - i * lanes)), its);
  }
}

/** Reads a row into registers. */
export function held(b: Builder, group: Workgroup, width: number, source: Value): Held {
  const count = Math.ceil(Math.floor(width / 4) / group.lanes);
  const quads = b.registers('x', count, constant('f32x4', 0));
  eachQuad(b, group, width, (mine, i, feature) => quads.set(source(mine, feature, 'f32x4'), i));
  return {
    width,
    quads: [...Array(count).keys()].map((i) => quads.get(i)),
    rest: [...Array(width % 4).keys()].map((i) => b.let('rest', source(b, width - (width % 4) + i, 'f32'))),
  };
}

/** Stores a row from registers. */
export function storeHeld(b: Builder, group: Workgroup, { width, quads, rest }: Held, { buffer, at }: Pointer): void {
  eachQuad(b, group, width, (mine, i, feature) => mine.store(buffer, plus(at, feature), quads[i]!));
  if (rest.length > 0)
    b.when(apply('less', group.lane, i32(1)), (first) =>
      rest.forEach((x, i) => {
        first.store(buffer, plus(at, width - rest.length + i), x);
      }),
    );
}

/** RMSNorm, or LayerNorm where it is centred: x / sqrt(mean of squares + eps) * gain (+ bias). */
export function normalised(
  scope: GpuScope,
  b: Builder,
  group: Workgroup,
  source: Held,
  { centred, gain, bias, eps }: Norm,
): Held {
  const { width } = source;
  const vector = (pack: PackId): Held => {
    const row = scope.vector(pack);
    return held(b, group, width, (_, feature, type) => load(row, feature, type));
  };
  // loads start before the sums are complete
  const gains = gain === null ? null : vector(gain);
  const biases = bias === null ? null : vector(bias);
  const x = centred ? centredRow(b, group, source) : source;
  const squares = x.quads.map((v) => mul(v, v)).reduce(add, constant('f32x4', 0));
  const mine = reduceAll(b, group.scratch, group.lane, group.lanes, sumLanes(b, squares), add);
  const total = x.rest.reduce((sum, v) => add(sum, mul(v, v)), mine);
  const inverse = b.let('inverse', apply('div', f32(1), apply('sqrt', add(mul(total, f32(1 / width)), f32(eps)))));
  const by = (v: Expr, gain: Expr | undefined, bias: Expr | undefined): Expr => {
    const scaled = mul(v, v.type === 'f32' ? inverse : apply('splat', inverse));
    const gained = gain ? mul(scaled, gain) : scaled;
    return b.let('normalised', bias ? add(gained, bias) : gained);
  };
  return {
    width,
    quads: x.quads.map((v, i) => by(v, gains?.quads[i], biases?.quads[i])),
    rest: x.rest.map((v, i) => by(v, gains?.rest[i], biases?.rest[i])),
  };
}

/** Subtracts the mean from a row; zeros past the last four stay zeros. */
function centredRow(b: Builder, { lane, lanes, scratch }: Workgroup, { width, quads, rest }: Held): Held {
  const sums = quads.reduce(add, constant('f32x4', 0));
  const mine = reduceAll(b, scratch, lane, lanes, sumLanes(b, sums), add);
  const mean = b.let('mean', mul(rest.reduce(add, mine), f32(1 / width)));
  const whole = Math.floor(width / 4);
  return {
    width,
    quads: quads.map((v, i) => {
      const isHeld = (i + 1) * lanes <= whole ? null : apply('less', lane, i32(whole - i * lanes));
      return b.let('centred', sub(v, apply('splat', isHeld ? apply('select', isHeld, mean, f32(0)) : mean)));
    }),
    rest: rest.map((v) => b.let('centred', sub(v, mean))),
  };
}

interface Pointer {
  readonly buffer: KernelBuffer;
  readonly at: Expr;
}

/** Stores codes and one scale for a whole row, as KV q8 defines them. */
export function quantised(
  b: Builder,
  group: Workgroup,
  x: Held,
  { width, codes, scale }: { readonly width: number; readonly codes: Pointer; readonly scale: Pointer },
): void {
  const { lane, lanes, scratch } = group;
  const magnitudes = x.quads.map((v) => apply('abs', v)).reduce(larger, constant('f32x4', 0));
  const mine = reduceAll(b, scratch, lane, lanes, maxLanes(b, magnitudes), larger);
  const largest = b.let(
    'largest',
    x.rest.reduce((m, v) => larger(m, apply('abs', v)), mine),
  );
  b.when(apply('less', lane, i32(1)), (inner) => inner.store(scale.buffer, scale.at, mul(largest, f32(1 / 127))));
  const inverse = b.let('inverse', inverseOf(largest));
  storeCodes(b, group, x, { width, codes }, () => inverse);
}

const larger = (x: Expr, y: Expr): Expr => apply('max', x, y);

/** 127 / largest, or 0 where all values, and so all codes, are zero. */
const inverseOf = (largest: Expr): Expr =>
  apply('select', apply('less', f32(0), largest), apply('div', f32(127), largest), f32(0));

/** Quads of features that share a scale. */
const QUADS = GROUP / 4;

/**
 * Stores codes and one scale for every 32 features (`schedule/cpu/quantise.ts`). Every quad's
 * largest magnitude goes to shared memory; then each invocation reads those of its groups.
 */
function quantisedInGroups(
  b: Builder,
  group: Workgroup,
  x: Held,
  { width, codes, scale }: { readonly width: number; readonly codes: Pointer; readonly scale: Pointer },
): void {
  const { lane, lanes, scratch } = group;
  const quads = Math.floor(x.width / 4);
  eachQuad(b, group, x.width, (mine, i, feature) =>
    mine.store(scratch, quotient(feature, 4), maxLanes(mine, apply('abs', x.quads[i]!))),
  );
  const rest = x.rest.map((v) => apply('abs', v)).reduce<Expr | null>((m, v) => (m ? larger(m, v) : v), null);
  if (quads < width / 4)
    b.loop('serial', 'entry', { from: plus(lane, quads), to: width / 4, step: lanes }, (inner, entry) => {
      const isRest = apply('less', entry, i32(quads + 1));
      inner.store(scratch, entry, rest ? apply('select', isRest, rest, f32(0)) : f32(0));
    });
  b.barrier();
  const largestOf = (into: Builder, g: Expr): Expr => {
    const [low, high] = [0, 4].map((i) => load(scratch, plus(times(g, QUADS), i), 'f32x4')) as [Expr, Expr];
    return into.let('largest', maxLanes(into, larger(low, high)));
  };
  b.loop('serial', 'g', { from: lane, to: width / GROUP, step: lanes }, (inner, g) =>
    inner.store(scale.buffer, plus(scale.at, g), mul(largestOf(inner, g), f32(1 / 127))),
  );
  storeCodes(b, group, x, { width, codes }, (into, feature) => inverseOf(largestOf(into, quotient(feature, GROUP))));
}

/**
 * Stores codes; `inverseAt` is the factor for the features from one on. Codes past the last
 * feature, up to `width`, are zero.
 */
function storeCodes(
  b: Builder,
  group: Workgroup,
  x: Held,
  { width, codes }: { readonly width: number; readonly codes: Pointer },
  inverseAt: (b: Builder, feature: Expr) => Expr,
): void {
  const { lane, lanes } = group;
  const code = (v: Expr, inverse: Expr): Expr =>
    apply('nearestInt', mul(v, v.type === 'f32' ? inverse : apply('splat', inverse)));
  const word = (i: Index) => plus(codes.at, quotient(i, 4));
  eachQuad(b, group, x.width, (mine, i, feature) =>
    mine.store(codes.buffer, word(feature), apply('packBytes', code(x.quads[i]!, inverseAt(mine, feature)))),
  );
  const from = x.width - x.rest.length;
  if (x.rest.length > 0)
    b.when(apply('less', lane, i32(1)), (inner) => {
      const inverse = inner.let('inverse', inverseAt(inner, i32(from)));
      const packed = x.rest
        .map((v, i) => apply('shl', apply('and', code(v, inverse), i32(255)), i32(8 * i)))
        .reduce<Expr>((sum, c) => plus(sum, c), i32(0));
      inner.store(codes.buffer, word(from), packed);
    });
  const behind = padded(x.width, 4) / 4;
  if (behind < width / 4)
    b.loop('serial', 'zero', { from: plus(lane, behind), to: width / 4, step: lanes }, (inner, w) =>
      inner.store(codes.buffer, plus(codes.at, w), i32(0)),
    );
}
