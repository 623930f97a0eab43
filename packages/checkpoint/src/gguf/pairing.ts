/**
 * Finds the weights whose outputs RoPE rotates in neighbouring pairs (2i, 2i + 1). llama.cpp stores
 * the rows of W_q and W_k in this order. A graph that rotates neighbours uses them unchanged; other
 * graphs need the rows in Hugging Face's order.
 */
import type { BlockKind, Graph } from '@lamella/graph/ir';

/** The names of these weights and biases. */
export function turnedInPairs(graph: Graph): ReadonlySet<string> {
  const params = graph.kinds.map(paramsTurnedInPairs);
  const sets = graph.stacks.flatMap(({ weightSets }) => weightSets);
  const ids = sets.flatMap(({ kind, weights }) => [...params[kind]!].map((param) => weights[param]!));
  return new Set(ids.map((id) => graph.weights[id]!.name));
}

/** The same for one block, as parameters. */
function paramsTurnedInPairs({ body: { nodes } }: BlockKind): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { op } of nodes) {
    if (op.kind !== 'rope' || op.rope.pairing !== 'adjacent') continue;
    // a norm or a factor may stand between
    let made = nodes[op.x]!.op;
    while (made.kind === 'rmsNorm' || made.kind === 'scale') made = nodes[made.x]!.op;
    if (made.kind !== 'linear') continue;
    found.add(made.weight);
    if (made.bias !== null) found.add(made.bias);
  }
  return found;
}
