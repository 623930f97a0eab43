/**
 * Reduces a model of `graphs/`: fewer layers, every width divided by one number, a shorter
 * vocabulary. Its structure (heads and groups, sharing order, tied tables, sums) stays, so that a
 * file in `graphs/` is compiled and run in a second.
 */
import type { Axis, Body, Graph, Op, Param, Stack, Weight, WeightId } from '@lamella/graph/ir';

export interface Reduction {
  /** Weight sets of each stack. */
  readonly weightSets: number;
  /** Divides widths: of the residual, of heads, of FFNs. */
  readonly width: number;
  readonly vocab: number;
  readonly context: number;
}

/** The same graph, smaller. Throws if a width is not divisible. */
export function reduced(graph: Graph, { weightSets, width, vocab, context }: Reduction): Graph {
  const size = (n: number): number => {
    if (n === graph.vocab) return vocab;
    if (n % width !== 0) throw new Error(`${graph.name}: ${n} is not divisible by ${width}`);
    return n / width;
  };
  const shape = (sizes: readonly number[]) => sizes.map(size);
  const axis = (a: Axis): Axis => ({ ...a, size: a.name === graph.tokens.name ? context : size(a.size) });
  const param = (p: Param): Param => ({ ...p, shape: shape(p.shape) });
  const op = (o: Op): Op => {
    if (o.kind === 'rope') return { ...o, headDim: size(o.headDim) };
    if (o.kind === 'attention') return { ...o, headDim: size(o.headDim), scale: o.scale * Math.sqrt(width) };
    return o;
  };
  const body = (b: Body): Body => ({
    ...b,
    params: b.params.map(param),
    nodes: b.nodes.map((node) => ({ ...node, op: op(node.op), axes: node.axes.map(axis) })),
  });
  const slots = new Map<number, number>();
  const stacks = graph.stacks.map(
    (stack): Stack => ({
      ...stack,
      weightSets: stack.weightSets.slice(0, weightSets),
      executions: stack.executions
        .filter((execution) => execution.weightSet < weightSets)
        .map((execution) => {
          if (!execution.reads) slots.set(execution.slot, slots.size);
          return { ...execution, slot: slots.get(execution.slot)! };
        }),
    }),
  );
  const used = new Set<WeightId>([
    ...graph.rootWeights,
    ...stacks.flatMap((stack) => stack.weightSets.flatMap((set) => set.weights)),
  ]);
  const kept = graph.weights.filter(({ id }) => used.has(id));
  const renumbered = new Map(kept.map(({ id }, i) => [id, i]));
  const ids = (weights: readonly WeightId[]): WeightId[] => weights.map((id) => renumbered.get(id)!);
  return {
    ...graph,
    tokens: { ...graph.tokens, size: context },
    vocab,
    weights: kept.map((weight, id): Weight => ({ ...weight, id, shape: shape(weight.shape) })),
    kinds: graph.kinds.map((kind) => ({ ...kind, body: body(kind.body) })),
    stacks: stacks.map((stack) => ({
      ...stack,
      weightSets: stack.weightSets.map((set) => ({ ...set, weights: ids(set.weights) })),
    })),
    root: body(graph.root),
    rootWeights: ids(graph.rootWeights),
  };
}
