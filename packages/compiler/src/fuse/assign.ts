/**
 * Fusion, step 3: assigns a buffer to every value. A result reuses the buffer of an operand that it
 * reads feature by feature, if no later operation reads that operand. A block's result reuses the
 * residual stream, if no later operation reads the stream. Other values get a buffer of their own.
 * The arena (`plan/arena.ts`) decides which buffers share bytes.
 */
import { type BufferId, type ElementExpr, type FusedOp, valueUses } from '../program/ir.ts';
import { renamed } from '../program/rename.ts';
import type { Emitted } from './emit.ts';

/** Makes a buffer and returns its id. */
export type NewBuffer = (name: string, width: number) => BufferId;

/**
 * The operations over buffers. If the result is not in the stream, it is copied there. `widthOf` is
 * a buffer's width.
 */
export function assign(
  { ops, values, input, result }: Emitted,
  stream: BufferId,
  newBuffer: NewBuffer,
  widthOf: (buffer: BufferId) => number,
): readonly FusedOp[] {
  const uses = usesOf(ops);
  const home = new Map<BufferId, BufferId>();
  const place = (value: BufferId, buffer: BufferId): void => void home.set(value, buffer);
  if (input !== null) place(input, stream);

  /**
   * Whether a buffer may be overwritten at `time`: its values are not the block's result, and all
   * their reads are earlier, or by `by` at the features that it writes.
   */
  const isFree = (buffer: BufferId, time: number, by: object | null): boolean =>
    [...home].every(([value, at]) => {
      if (at !== buffer) return true;
      const isRead = (use: Use) => use.time < time || (use.time === time && by !== null && use.by === by);
      return value !== result && (uses.get(value) ?? []).every(isRead);
    });

  ops.forEach((op, time) => {
    for (const { value, leaves, by } of resultsOf(op)) {
      if (home.has(value)) continue;
      const { name, width, isMovable } = values[value]!;
      const inPlace = leaves.map((leaf) => home.get(leaf)!).find((b) => widthOf(b) >= width && isFree(b, time, by));
      const takesStream = isMovable && value === result && isFree(stream, time, null);
      place(value, inPlace ?? (takesStream ? stream : newBuffer(name, width)));
    }
  });
  const bufferOf = (value: BufferId): BufferId => home.get(value)!;
  const placed = ops.map((op) => renamed(op, bufferOf, bufferOf));
  if (result === null || bufferOf(result) === stream) return placed;
  return [...placed, returned(bufferOf(result))];

  function returned(buffer: BufferId): FusedOp {
    const width = values[result!]!.features;
    return { kind: 'map', name: 'return', scratch: {}, value: { kind: 'buffer', buffer }, width, out: stream };
  }
}

/**
 * A read of a value. `by` is the operation or segment that reads it feature by feature; null if the
 * value is read as a whole.
 */
interface Use {
  readonly time: number;
  readonly by: object | null;
}

/** A value that an operation writes, and the values that it reads at the same features. */
interface Result {
  readonly value: BufferId;
  readonly leaves: readonly BufferId[];
  readonly by: object;
}

function usesOf(ops: readonly FusedOp[]): ReadonlyMap<BufferId, readonly Use[]> {
  const uses = new Map<BufferId, Use[]>();
  const add = (value: BufferId, use: Use): void => void uses.set(value, [...(uses.get(value) ?? []), use]);
  ops.forEach((op, time) => {
    for (const { leaves, by } of elementwise(op)) for (const value of leaves) add(value, { time, by });
    for (const value of readsWhole(op)) add(value, { time, by: null });
  });
  return uses;
}

/** The values that an operation reads at other features than those that it writes. */
function readsWhole(op: FusedOp): readonly BufferId[] {
  return op.kind === 'contraction' || op.kind === 'heads' || op.kind === 'normalise'
    ? [op.x]
    : op.kind === 'attention'
      ? [op.q]
      : [];
}

/** The element-wise expressions of an operation, with the values that they read. */
function elementwise(op: FusedOp): readonly { readonly leaves: readonly BufferId[]; readonly by: object }[] {
  if (op.kind === 'map') return [{ leaves: leavesOf(op.value), by: op }];
  if (op.kind !== 'contraction') return [];
  return op.segments.map((segment) => ({ leaves: segment.stores.flatMap((s) => leavesOf(s.value)), by: segment }));
}

/** The results of an operation, in order. */
function resultsOf(op: FusedOp): readonly Result[] {
  if (op.kind === 'contraction')
    return op.segments.flatMap((segment) =>
      segment.stores.flatMap(({ to, value }) =>
        to.kind === 'buffer' ? [{ value: to.buffer, leaves: leavesOf(value), by: segment }] : [],
      ),
    );
  const leaves = op.kind === 'map' ? leavesOf(op.value) : [];
  return valueUses(op).writes.map((value) => ({ value, leaves, by: op }));
}

function leavesOf(e: ElementExpr): readonly BufferId[] {
  return e.kind === 'buffer' ? [e.buffer] : e.kind === 'apply' ? e.args.flatMap(leavesOf) : [];
}
