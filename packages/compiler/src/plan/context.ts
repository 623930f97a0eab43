/** Changes the longest sequence of a graph: resizes the token axis everywhere. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';

/**
 * The graph with `context` as its longest sequence. Throws L303 if `context` is not a whole number
 * of at least 1.
 */
export function withContext(graph: Graph, context: number | undefined): Graph {
  if (context === undefined || context === graph.tokens.size) return graph;
  if (!Number.isInteger(context) || context < 1)
    throw new LamellaError('L303', {
      option: '--context',
      value: context,
      remedy: 'a whole number of tokens, at least 1',
    });
  const from = graph.tokens;
  const tokens = { ...from, size: context };
  const resize = (body: Graph['root']): Graph['root'] => ({
    ...body,
    nodes: body.nodes.map((n) => ({
      ...n,
      axes: n.axes.map((a, i) => (i === 0 && a.name === from.name && a.size === from.size ? tokens : a)),
    })),
  });
  return {
    ...graph,
    tokens,
    root: resize(graph.root),
    kinds: graph.kinds.map((k) => ({ ...k, body: resize(k.body) })),
  };
}
