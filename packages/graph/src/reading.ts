/**
 * The body of an execution that reads the keys and values of an earlier execution (cross-layer
 * attention, arXiv 2405.12981). Its attentions append nothing, so the nodes that only computed keys
 * and values are removed.
 */
import { type Body, type Node, type Op, operands, type ParamId, type ValueId } from './ir.ts';

/**
 * The remaining body, and the ids of the parameters that it still uses. States keep their numbers.
 */
export function readingBody(body: Body): { readonly body: Body; readonly params: readonly ParamId[] } {
  const nodes = body.nodes.map((node): Node => {
    const { op } = node;
    return op.kind === 'attention' ? { ...node, op: { ...op, k: null, v: null } } : node;
  });
  // a body keeps its input even if no node reads it
  const needed = new Set([0, body.result]);
  for (const { id, op } of nodes.toReversed()) if (needed.has(id)) for (const v of operands(op)) needed.add(v);
  const values = new Map<ValueId, ValueId>();
  const params: ParamId[] = [];
  const value = (v: ValueId): ValueId => values.get(v)!;
  const param = (p: ParamId): ParamId => (params.includes(p) ? params.indexOf(p) : params.push(p) - 1);
  const kept = nodes.flatMap((node): Node[] => {
    if (!needed.has(node.id)) return [];
    const op = rebound(node.op, value, param);
    values.set(node.id, values.size);
    return [{ ...node, id: value(node.id), op }];
  });
  return { body: { params: params.map((p) => body.params[p]!), nodes: kept, result: value(body.result) }, params };
}

/** The operation with its values and parameters renumbered. */
export function rebound(op: Op, value: (v: ValueId) => ValueId, param: (p: ParamId) => ParamId): Op {
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
