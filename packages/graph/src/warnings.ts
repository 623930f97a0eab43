/**
 * What is probably a slip although the graph is sound. A warning is a diagnostic like any other, with number, place and line; it is handed over
 * instead of thrown.
 */
import { LamellaError } from './diagnostics.ts';
import { type Body, type Graph, operands } from './ir.ts';

/** L128 for every value that no other value and no result needs: `residual(x, ...)` as a statement, whose result is thrown away. */
export function warnings(graph: Graph): readonly LamellaError[] {
  return [...graph.kinds.flatMap(({ name, body }) => unused(body, name)), ...unused(graph.root, graph.name)];
}

function unused(body: Body, name: string): readonly LamellaError[] {
  const used = new Set(body.nodes.flatMap(({ op }) => operands(op))).add(body.result);
  return body.nodes
    .filter(({ id, op }) => !used.has(id) && op.kind !== 'input' && op.kind !== 'tokens')
    .map(({ path, site }) => new LamellaError('L128', {}, { place: path ? `${name}.${path}` : name, site }));
}
