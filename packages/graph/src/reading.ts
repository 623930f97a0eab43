/**
 * The body of an execution that reads the keys and values of an earlier execution (cross-layer
 * attention, arXiv 2405.12981). Its attentions append nothing, so the nodes that only computed keys
 * and values are removed.
 */
import { type Body, type Node, operands, type ParamId, type ValueId } from './ir.ts';
import { renumbered } from './renumber.ts';

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
    const op = renumbered(node.op, value, param);
    values.set(node.id, values.size);
    return [{ ...node, id: value(node.id), op }];
  });
  return { body: { params: params.map((p) => body.params[p]!), nodes: kept, result: value(body.result) }, params };
}
