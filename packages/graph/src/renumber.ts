/**
 * Moves an operation into another body, where values and parameters have other numbers: when a root is cut at its stacks, and
 * when nodes are left out of a body.
 */
import type { Op, ParamId, ValueId } from './ir.ts';

/** The operation with its values and parameters renumbered. */
export function renumbered(op: Op, value: (v: ValueId) => ValueId, param: (p: ParamId) => ParamId): Op {
  switch (op.kind) {
    case 'tokens':
    case 'input':
      return op;
    case 'embed':
      return { ...op, ids: value(op.ids), table: param(op.table) };
    case 'linear':
      return { ...op, x: value(op.x), weight: param(op.weight), bias: op.bias === null ? null : param(op.bias) };
    case 'layerNorm':
      return { ...op, x: value(op.x), gain: param(op.gain), bias: op.bias === null ? null : param(op.bias) };
    case 'positions':
      return { ...op, table: param(op.table) };
    case 'causalConv':
      return { ...op, x: value(op.x), weight: param(op.weight), bias: op.bias === null ? null : param(op.bias) };
    case 'rmsNorm':
      return { ...op, x: value(op.x), gain: op.gain === null ? null : param(op.gain) };
    case 'rope':
    case 'scale':
    case 'stack':
      return { ...op, x: value(op.x) };
    case 'map':
      return { ...op, args: op.args.map(value) };
    case 'attention': {
      const [k, v] = [op.k, op.v].map((each) => (each === null ? null : value(each))) as [number | null, number | null];
      return { ...op, q: value(op.q), k, v };
    }
    default:
      return op satisfies never;
  }
}
