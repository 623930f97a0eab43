/** Builds graphs with one mistake, for the verifier's tests. */
import type { Graph, Op } from '../src/ir.ts';
import { tinyGraph } from './tiny.ts';

export type Mutable<T> = { -readonly [K in keyof T]: Mutable<T[K]> };

/**
 * The name of the mistake, a part of the expected message, and the change that makes the mistake.
 */
export type Rejection = readonly [what: string, message: string, edit: (graph: Mutable<Graph>) => void];

/** A tiny graph with one thing changed. */
export function changed(edit: (graph: Mutable<Graph>) => void): Graph {
  const graph = structuredClone(tinyGraph()) as Mutable<Graph>;
  edit(graph);
  return graph as Graph;
}

/** The body of the one block of the tiny graph. */
export function layer(graph: Mutable<Graph>): Mutable<Graph>['kinds'][number]['body'] {
  return graph.kinds[0]!.body;
}

/** The first operation of this name in the block, to be changed. */
export function opOf<Name extends Op['kind']>(
  graph: Mutable<Graph>,
  name: Name,
): Mutable<Op & { readonly kind: Name }> {
  const node = layer(graph).nodes.find(({ op }) => op.kind === name);
  if (!node) throw new Error(`the layer has no ${name}`);
  return node.op as Mutable<Op & { readonly kind: Name }>;
}
