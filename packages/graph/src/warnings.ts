/**
 * Probable mistakes in a well-formed graph. A warning is a `LamellaError` with code, place and line
 * that is returned instead of thrown.
 */
import { LamellaError } from './diagnostics.ts';
import { type Body, type Graph, operands } from './ir.ts';

/**
 * L128 for every unused value, e.g. `residual(x, ...)` as a statement whose result is discarded.
 */
export function warnings(graph: Graph): readonly LamellaError[] {
  return [...graph.kinds.flatMap(({ name, body }) => unused(body, name)), ...unused(graph.root, graph.name)];
}

function unused(body: Body, name: string): readonly LamellaError[] {
  const used = new Set(body.nodes.flatMap(({ op }) => operands(op))).add(body.result);
  return body.nodes
    .filter(({ id, op }) => !used.has(id) && op.kind !== 'input' && op.kind !== 'tokens')
    .map(({ path, site }) => new LamellaError('L128', {}, { place: path ? `${name}.${path}` : name, site }));
}
