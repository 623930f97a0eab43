/**
 * Replaces the buffers of an operation, so that a pass can move values without a case for each
 * operation.
 */
import type { BufferId, ElementExpr, FusedOp } from './ir.ts';

type Rename = (id: BufferId) => BufferId;

/**
 * The operation with `read` applied to the buffers that it reads and `write` to those that it
 * writes, without scratch.
 */
export function renamed(op: FusedOp, read: Rename, write: Rename): FusedOp {
  switch (op.kind) {
    case 'embed':
      return { ...op, out: write(op.out) };
    case 'contraction':
      return {
        ...op,
        x: read(op.x),
        segments: op.segments.map((segment) => ({
          ...segment,
          stores: segment.stores.map(({ to, value }) => ({
            to: to.kind === 'buffer' ? { ...to, buffer: write(to.buffer) } : to,
            value: renamedLeaves(value, read),
          })),
        })),
      };
    case 'encode':
      return {
        ...op,
        parts: op.parts.map(({ from, to, ...part }) => ({
          ...part,
          from: read(from),
          to: to.kind === 'buffer' ? { ...to, codes: write(to.codes), scales: write(to.scales) } : to,
        })),
      };
    case 'attention': {
      const codes = op.codes && { queries: read(op.codes.queries), scales: read(op.codes.scales) };
      return { ...op, q: read(op.q), codes, out: write(op.out) };
    }
    case 'heads':
      return { ...op, x: read(op.x), to: op.to.kind === 'buffer' ? { ...op.to, buffer: write(op.to.buffer) } : op.to };
    case 'normalise':
      return { ...op, x: read(op.x), out: write(op.out) };
    case 'convolve':
      return { ...op, out: write(op.out) };
    case 'map':
      return { ...op, value: renamedLeaves(op.value, read), out: op.out === null ? null : write(op.out) };
    default:
      return op satisfies never;
  }
}

function renamedLeaves(e: ElementExpr, read: Rename): ElementExpr {
  if (e.kind === 'buffer') return { ...e, buffer: read(e.buffer) };
  return e.kind === 'apply' ? { ...e, args: e.args.map((arg) => renamedLeaves(arg, read)) } : e;
}
