/**
 * A contraction on the GPU: a workgroup takes one block of rows and some tokens. Its invocations
 * divide groups of four rows, the tokens and the depth among them. Decoding has one token and
 * divides the depth most finely; a tile divides the tokens most finely. The partial sums are
 * combined in shared memory; then one invocation per four rows runs the epilogue.
 *
 * A single token has little arithmetic, so latency dominates. Decoding therefore reads its weights
 * before it prepares x, which takes about as long (MobileLLM-125M on an H100: 6.3 -> 5.1 us for
 * gate and up, of which the dispatch itself takes 3.1 us).
 */

import type { Activations, Rows } from '../../formats/format.ts';
import {
  add,
  apply,
  type Builder,
  constant,
  type Index,
  i32,
  load,
  Names,
  plus,
  quotient,
  type Register,
  remainder,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import type { BufferId, FusedOp, Segment } from '../../program/ir.ts';
import { padded } from '../../program/packs.ts';
import { arenaOperand, makesOperandInside, needsOperand, OPERAND_LANES, operand, operandKernel } from './operand.ts';
import { combineParts } from './reduce.ts';
import type { GpuScope } from './scope.ts';

type Contraction = Extract<FusedOp, { kind: 'contraction' }>;

/** How the invocations of a workgroup divide the work. */
interface Division {
  readonly lanes: number;
  /** Groups of tokens, and tokens per group; different invocations take different groups. */
  readonly tokenGroups: number;
  readonly tokens: number;
  /** The most pieces of a matrix that an invocation reads into registers before x is ready. */
  readonly ahead: number;
}

const decoding: Division = { lanes: OPERAND_LANES, tokenGroups: 1, tokens: 1, ahead: 8 };

/**
 * A tile holds a multiple of four tokens. The groups divide it evenly, so no row past the tile is
 * read.
 */
function tiled(tile: number): Division {
  let tokenGroups = 1;
  while (tokenGroups < 16 && (tile / 4) % (tokenGroups * 2) === 0) tokenGroups *= 2;
  return { lanes: 64, tokenGroups, tokens: 4, ahead: 0 };
}

/**
 * The kernels of a contraction: the product, preceded by a kernel that prepares x where the product
 * does not do so itself.
 */
export function contractionKernels(open: () => GpuScope, op: Contraction): Kernel[] {
  const scope = open();
  const division = scope.lowering === 'decode' ? decoding : tiled(scope.plan.program.tile);
  const needed = needsOperand(scope.kind, op, scope.plan.program.context);
  const inside = needed && scope.lowering === 'decode' && makesOperandInside(scope.kind, op, scope.profile);
  const before = needed && !inside ? [operandKernel(open(), op)] : [];
  return [...before, product(scope, op, division, inside)];
}

function product(scope: GpuScope, op: Contraction, division: Division, inside: boolean): Kernel {
  const { lanes, tokenGroups, tokens } = division;
  const shares = op.segments.map((segment) => shareOf(scope, segment, division));
  const counts = shares.map(({ blocks }) => blocks);
  scope.b.loop('grid', 'block', { to: counts.reduce((sum, blocks) => sum + blocks, 0) }, (perBlock, block) => {
    const workgroup = (b: Builder, tile: Index) =>
      b.loop('workgroup', 'lane', { to: lanes }, (inner, lane) => {
        const slices = slicesOf(inner, shares, lane);
        const ahead = registersOf(inner, shares);
        if (shares.some((share) => share.ahead))
          scope.among(inner, block, counts, (b, i, block) => {
            if (shares[i]!.ahead) readAhead(b, shares[i]!, { ...slices[i]!, block }, ahead);
          });
        const made = inside ? operand(scope, inner, { op, lane, token: 0, in: 'workgroup' }) : null;
        const ready = made ? { x: made, home: null } : arenaOperand(scope, op);
        const x: Operand = { ...ready, ...division, lane, tile };
        scope.among(inner, block, counts, (b, i, block) =>
          rows(scope, b, shares[i]!, { ...slices[i]!, block }, ahead, x),
        );
      });
    if (scope.lowering === 'decode') workgroup(perBlock, 0);
    else perBlock.loop('grid', 'tile', { to: scope.scalar('count'), step: tokenGroups * tokens }, workgroup);
  });
  return scope.kernel(op.name);
}

/** A segment, and how a workgroup divides one block of it. */
interface Share {
  readonly segment: Segment;
  readonly streams: readonly ReturnType<GpuScope['matrix']>[];
  readonly blocks: number;
  /**
   * Invocations that produce results (four rows and some tokens each), and invocations that sum
   * parts of one result.
   */
  readonly outputs: number;
  readonly parts: number;
  /** Pieces of the depth, and how many of them each invocation takes. */
  readonly pieces: number;
  readonly turns: number;
  /** Whether all of them are read before x is ready. */
  readonly ahead: boolean;
}

function shareOf(scope: GpuScope, segment: Segment, { lanes, tokenGroups, ahead }: Division): Share {
  const streams = segment.streams.map((id) => scope.matrix(id));
  const { shape, format } = streams[0]!;
  const outputs = (shape.block / 4) * tokenGroups;
  const parts = lanes / outputs;
  const pieces = format.pieces.count(shape);
  const turns = Math.ceil(pieces / parts);
  const blocks = padded(segment.rows, shape.block) / shape.block;
  return { segment, streams, blocks, outputs, parts, pieces, turns, ahead: turns <= ahead };
}

/** Four rows of a block, and the first piece of the depth that an invocation takes. */
interface Slice extends Rows {
  readonly part: Expr;
}

/** The slice of each segment's blocks that an invocation takes. */
function slicesOf(b: Builder, shares: readonly Share[], lane: Expr): readonly Omit<Slice, 'block'>[] {
  const known = new Map<number, Omit<Slice, 'block'>>();
  return shares.map(({ streams, outputs }) => {
    const slice = known.get(outputs) ?? {
      vector: b.let('v', remainder(lane, streams[0]!.shape.block / 4)),
      part: b.let('part', quotient(lane, outputs)),
    };
    known.set(outputs, slice);
    return slice;
  });
}

/**
 * Registers for weights that are read ahead: one array for each read of a piece, indexed by stream
 * and turn. All segments have the same format, so one set serves the segment that a workgroup runs.
 */
type Ahead = readonly Register[];

function registersOf(b: Builder, shares: readonly Share[]): Ahead {
  const { format } = shares[0]!.streams[0]!;
  const count = Math.max(...shares.map(({ ahead, streams, turns }) => (ahead ? streams.length * turns : 0)));
  const zero = (type: (typeof format.pieces.reads)[number]) =>
    type === 'i8x16' ? apply('splat8', i32(0)) : constant(type, 0);
  return format.pieces.reads.map((type) => b.registers('w', count, zero(type)));
}

/**
 * Reads all pieces of an invocation. An invocation with one piece fewer than others reads the last
 * piece again.
 */
function readAhead(b: Builder, { streams, parts, pieces, turns }: Share, slice: Slice, ahead: Ahead): void {
  streams.forEach(({ format, views, shape }, s) => {
    for (let turn = 0; turn < turns; turn++) {
      const own = plus(slice.part, turn * parts);
      const surely = (turn + 1) * parts <= pieces;
      const piece = surely ? own : apply('select', apply('less', own, i32(pieces)), own, i32(pieces - 1));
      const read = format.pieces.read(b, views, shape, slice, b.let('piece', piece));
      read.forEach((value, i) => {
        ahead[i]!.set(value, s * turns + turn);
      });
    }
  });
}

/** The location of x, and the part of it that a workgroup multiplies. */
interface Operand extends Division {
  readonly x: Activations;
  /** The buffer of x, or null where row 0 is this token. */
  readonly home: BufferId | null;
  readonly lane: Expr;
  readonly tile: Index;
}

/** Computes one block of a segment. */
function rows(scope: GpuScope, b: Builder, share: Share, slice: Slice, ahead: Ahead, operand: Operand): void {
  const { segment, streams, outputs, parts, pieces, turns } = share;
  const { x, home, lane, lanes, tile, tokenGroups, tokens } = operand;
  const { shape, format } = streams[0]!;
  const group = tokenGroups === 1 ? 0 : quotient(remainder(lane, outputs), shape.block / 4);
  const first = b.let('token', plus(tile, times(group, tokens)));
  const xRow = home === null ? i32(0) : b.let('xToken', plus(scope.bufferRow(home, first), 0));

  // indexed by stream and token
  const sums = streams.flatMap((stream, s) => {
    const acc = b.registers('acc', tokens, constant('f32x4', 0));
    const multiply = (into: Builder, read: readonly Expr[], piece: Expr) =>
      format.pieces.multiply(into, read, x, piece, xRow, tokens, acc);
    if (share.ahead)
      for (let turn = 0; turn < turns; turn++) {
        const piece = b.let('piece', plus(slice.part, turn * parts));
        const read = ahead.map((register) => register.get(s * turns + turn));
        if ((turn + 1) * parts <= pieces) multiply(b, read, piece);
        else b.when(apply('less', piece, i32(pieces)), (inner) => multiply(inner, read, piece));
      }
    else
      b.loop('serial', 'piece', { from: slice.part, to: pieces, step: parts }, (body, piece) => {
        const read = format.pieces.read(body, stream.views, stream.shape, slice, piece);
        multiply(
          body,
          read.map((value) => body.let('w', value)),
          piece,
        );
      });
    return upTo(tokens).map((t) => acc.get(t));
  });
  // with one part, an invocation has its own sums; otherwise the first `outputs` invocations get
  // them
  const all = parts > 1 ? combined(scope, b, sums, { lane, lanes, parts, outputs }) : sums;
  const row = b.let('row', plus(times(slice.block, shape.block), times(slice.vector, 4)));
  const epilogue = (into: Builder): void => {
    const dots = streams.map((_, s) => upTo(tokens).map((t) => into.let('dot', all[s * tokens + t]!)));
    for (const t of upTo(tokens)) {
      const token = plus(first, t);
      into.when(scope.isToken(token), (perToken) => {
        const names = new Names(perToken);
        const dot = (stream: number): Expr => dots[stream]![t]!;
        const values = segment.stores.map(({ value }) =>
          scope.element(perToken, names, value, 'f32x4', token, row, dot),
        );
        segment.stores.forEach(({ to }, i) => {
          scope.storeRows(perToken, names, to, token, row, values[i]!);
        });
      });
    }
  };
  if (parts > 1) b.when(apply('less', lane, i32(outputs)), epilogue);
  else epilogue(b);
}

/** Adds the sums of all parts; the first `outputs` invocations read the totals. */
function combined(
  scope: GpuScope,
  b: Builder,
  sums: readonly Expr[],
  {
    lane,
    lanes,
    parts,
    outputs,
  }: {
    readonly lane: Expr;
    readonly lanes: number;
    readonly parts: number;
    readonly outputs: number;
  },
): readonly Expr[] {
  const scratch = scope.shared('partials', 'f32', sums.length * lanes * 4, 'four rows an invocation');
  const at = (i: number): Expr => times(plus(lane, i * lanes), 4);
  sums.forEach((sum, i) => {
    b.store(scratch, at(i), sum);
  });
  b.barrier();
  combineParts(b, scratch, 'f32x4', lane, parts, outputs, add, sums.length);
  return sums.map((_, i) => load(scratch, at(i), 'f32x4'));
}

const upTo = (n: number): readonly number[] => [...Array(n).keys()];
