/**
 * A contraction: a workgroup takes one block of rows and some tokens. Its invocations divide four rows at a time, tokens and the depth
 * among them: decoding has one token and divides the depth most finely, a tile of tokens the other way round. What they summed is
 * combined in shared memory; then one invocation for every four rows runs the epilogue.
 */

import type { Activations } from '../../formats/format.ts';
import {
  add,
  apply,
  type Builder,
  type Index,
  i32,
  load,
  Names,
  plus,
  quotient,
  remainder,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { type BufferId, type FusedOp, padded, type Segment } from '../../program/ir.ts';
import { arenaOperand, fitsWorkgroup, needsOperand, operand, operandKernel } from './operand.ts';
import { combineParts } from './reduce.ts';
import type { GpuScope } from './scope.ts';

type Contract = Extract<FusedOp, { op: 'contract' }>;

/** How a workgroup divides its work. */
interface Division {
  readonly lanes: number;
  /** Invocations beside each other in the tokens, and tokens of each. */
  readonly tokenGroups: number;
  readonly tokens: number;
}

const decoding: Division = { lanes: 128, tokenGroups: 1, tokens: 1 };

/** Tiles hold a multiple of four tokens; groups of tokens divide them evenly, so no row behind a tile is read. */
function tiled(tile: number): Division {
  let tokenGroups = 1;
  while (tokenGroups < 16 && (tile / 4) % (tokenGroups * 2) === 0) tokenGroups *= 2;
  return { lanes: 64, tokenGroups, tokens: 4 };
}

/** The kernels of a contraction: the product, and before it what makes x ready where that is not done inside. */
export function contractKernels(open: () => GpuScope, op: Contract): Kernel[] {
  const scope = open();
  const division = scope.lowering === 'decode' ? decoding : tiled(scope.plan.program.tile);
  const { lanes } = division;
  const inside = scope.lowering === 'decode' && needsOperand(op) && fitsWorkgroup(scope, op, lanes, lanes * 16);
  const before = needsOperand(op) && !inside ? [operandKernel(open(), op)] : [];
  return [...before, product(scope, op, division, inside)];
}

function product(scope: GpuScope, op: Contract, division: Division, inside: boolean): Kernel {
  const { lanes, tokenGroups, tokens } = division;
  const segments = op.segments.map((segment, i) => {
    const { block } = scope.kind.packs[segment.streams[0]!]!;
    const blocks = padded(segment.rows, block) / block;
    return { segment, block, blocks, index: i };
  });
  const all = segments.reduce((sum, s) => sum + s.blocks, 0);
  scope.b.loop('grid', 'block', { to: all }, (perBlock, block) => {
    const workgroup = (b: Builder, tile: Index) =>
      b.loop('workgroup', 'lane', { to: lanes }, (inner, lane) => {
        const made = inside ? operand(scope, inner, { op, lane, lanes, token: 0, in: 'workgroup' }) : null;
        const ready = made ? { x: made, home: null } : arenaOperand(scope, op);
        let first = 0;
        for (const s of segments) {
          const from = first;
          const behind = first + s.blocks;
          const run = (b: Builder) =>
            rows(scope, b, s.segment, { ...ready, ...division, lane, tile, block: plus(block, -from) });
          // the same for a whole workgroup
          const before = (b: Builder) => (behind === all ? run(b) : b.when(apply('less', block, i32(behind)), run));
          if (from === 0) before(inner);
          else inner.when(apply('less', i32(from - 1), block), before);
          first = behind;
        }
      });
    if (scope.lowering === 'decode') workgroup(perBlock, 0);
    else perBlock.loop('grid', 'tile', { to: scope.scalar('count'), step: tokenGroups * tokens }, workgroup);
  });
  return scope.kernel(op.name);
}

interface Place extends Division {
  readonly x: Activations;
  /** The buffer x lies in, or null where row 0 is this token. */
  readonly home: BufferId | null;
  readonly lane: Expr;
  readonly tile: Index;
  readonly block: Expr;
}

/** One block of a segment. */
function rows(scope: GpuScope, b: Builder, segment: Segment, place: Place): void {
  const { x, home, lane, lanes, tile, tokenGroups, tokens } = place;
  const streams = segment.streams.map((id) => scope.matrix(id));
  const { shape, format } = streams[0]!;
  const vectors = shape.block / 4;
  const outputs = vectors * tokenGroups;
  const parts = lanes / outputs;
  const block = b.let('block', place.block);
  const vector = b.let('v', remainder(lane, vectors));
  const group = tokenGroups === 1 ? 0 : quotient(remainder(lane, outputs), vectors);
  const first = b.let('token', plus(tile, times(group, tokens)));
  const xRow = home === null ? i32(0) : b.let('xToken', plus(scope.bufferRow(home, first), 0));
  const part = b.let('part', quotient(lane, outputs));
  const scratch =
    parts > 1
      ? scope.shared('partials', format.sum === 'f32x4' ? 'f32' : 'i32', lanes * 4, 'four rows an invocation')
      : null;

  // dots[stream][t]; with one part an invocation has its own, otherwise the first `outputs` of them get them
  const dots = streams.map((s) => {
    const sums = s.format.slice(b, s.views, s.shape, x, { block, vector, part, parts }, xRow, tokens);
    return upTo(tokens).map((t) => {
      const scaled = (sum: Expr) => s.format.scaled(s.views, s.shape, x, { block, vector }, plus(xRow, t), sum);
      if (!scratch) return b.let('dot', scaled(sums(t)));
      b.store(scratch, times(lane, 4), sums(t));
      b.barrier();
      combineParts(b, scratch, s.format.sum, lane, parts, outputs, add);
      const sum = b.let('sum', load(scratch, times(remainder(lane, outputs), 4), s.format.sum));
      b.barrier();
      return b.let('dot', scaled(sum));
    });
  });
  const row = b.let('row', plus(times(block, shape.block), times(vector, 4)));
  const epilogue = (into: Builder): void => {
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

const upTo = (n: number): readonly number[] => [...Array(n).keys()];
