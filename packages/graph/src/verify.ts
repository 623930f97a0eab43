/**
 * Checks that a graph is well formed, as the first stage of the pipeline; later stages rely on it.
 * The DSL reports an author's mistakes at the line that makes them. This file also catches mistakes
 * that the DSL misses, and checks graphs that were not traced.
 *
 * This file checks the graph as a whole (tensors, bindings, stacks, slots); `verify-body.ts` checks
 * the code of one body.
 */
import { LamellaError } from './diagnostics.ts';
import { isF32 } from './f32.ts';
import {
  type Body,
  elementCount,
  type Graph,
  type Op,
  rankOf,
  type Stack,
  type Stored,
  type Weight,
  type WeightId,
} from './ir.ts';
import { axesText, shapeText } from './print.ts';
import { checkSize, illFormed, sameAxes, sameShape, verifyBody } from './verify-body.ts';

/**
 * Returns if `graph` is well formed; otherwise throws a `LamellaError` with a place. Mistakes that
 * an author can correct have codes of their own (L101-L109, L114, L116-L118, L121); L115 is a graph
 * that no trace should produce.
 */
export function verify(graph: Graph): void {
  checkSize(`the token axis ${graph.tokens.name}`, graph.tokens.size, graph.name, null);
  checkSize('the vocabulary', graph.vocab, graph.name, null);
  verifyWeights(graph);
  for (const kind of graph.kinds) verifyKind(kind.name, kind.body, graph);
  for (const stack of graph.stacks) verifyStack(stack, graph);
  verifySlots(graph);
  verifyBody(graph.root, graph.name, graph);
  verifyBinding(graph.root, graph.rootWeights, graph.name, graph);
  verifyStacksRunOnce(graph);
  verifyLogits(graph);
  verifyEveryWeightIsBound(graph);
}

function verifyWeights(graph: Graph): void {
  const names = new Set<string>();
  graph.weights.forEach((weight, index) => {
    if (weight.id !== index) illFormed(`weight ${index} has id ${weight.id}`, weight.name, weight.site);
    for (const size of weight.shape) checkSize(`a size of ${weight.name}`, size, weight.name, weight.site);
    const rank = rankOf[weight.role];
    if (weight.shape.length !== rank) {
      illFormed(
        `a ${weight.role} has ${rank} axes, not the shape ${shapeText(weight.shape)}`,
        weight.name,
        weight.site,
      );
    }
    if (weight.stored) verifyStored(weight, weight.stored);
    if (names.has(weight.name)) throw new LamellaError('L114', { name: weight.name }, { site: weight.site });
    names.add(weight.name);
  });
  verifyTensors(graph.weights);
}

/**
 * The rows that a weight is made of lie inside the tensor and hold as many elements as the weight.
 */
function verifyStored({ name, shape, site }: Weight, { tensor, shape: whole, rows, plus }: Stored): void {
  for (const size of whole) checkSize(`a size of ${tensor}`, size, name, site);
  const { first, count, groups, stride } = rows;
  for (const size of [count, groups, stride]) checkSize(`a number of rows of ${tensor}`, size, name, site);
  const last = first + (groups - 1) * stride + count;
  if (!Number.isInteger(first) || first < 0 || last > whole[0]! || (groups > 1 && count > stride)) {
    illFormed(`it is made of rows ${first} to ${last - 1} of a tensor ${shapeText(whole)}`, name, site);
  }
  const elements = groups * count * elementCount(whole.slice(1));
  if (elements !== elementCount(shape)) {
    illFormed(`it has the shape ${shapeText(shape)} and ${elements} elements of ${tensor}`, name, site);
  }
  if (!isF32(plus)) illFormed(`${plus} is added to it`, name, site);
}

/** Weights made of one tensor agree on its shape, and no other weight has that tensor's name. */
function verifyTensors(weights: readonly Weight[]): void {
  const shapes = new Map<string, { readonly shape: string; readonly isWhole: boolean }>();
  for (const { name, shape, stored, site } of weights) {
    const tensor = stored?.tensor ?? name;
    const its = { shape: shapeText(stored?.shape ?? shape), isWhole: !stored };
    const known = shapes.get(tensor);
    if (known && (known.shape !== its.shape || known.isWhole || its.isWhole)) {
      throw new LamellaError('L114', { name: tensor }, { place: name, site });
    }
    shapes.set(tensor, its);
  }
}

/**
 * A block returns a value with the axes of its input, so that executions can follow one another.
 */
function verifyKind(name: string, body: Body, graph: Graph): void {
  verifyBody(body, name, graph);
  const taken = body.nodes[0]!;
  const returned = body.nodes[body.result]!;
  if (!sameAxes(taken.axes, returned.axes)) {
    throw new LamellaError(
      'L108',
      {
        expected: axesText(taken.axes),
        got: axesText(returned.axes),
        remedy: `ending with residual(...) or a linear back to ${axesText(taken.axes)}`,
      },
      { place: name, site: returned.site },
    );
  }
}

function verifyStack(stack: Stack, graph: Graph): void {
  const place = stack.name;
  const count = stack.weightSets.length;
  if (count === 0) throw new LamellaError('L105', { count, better: 1 }, { place });
  stack.weightSets.forEach((set, index) => {
    const kind = graph.kinds[set.kind];
    if (!kind) illFormed(`weight set ${index} is of kind ${set.kind}, which does not exist`, place, null);
    verifyBinding(kind.body, set.weights, `${place}.${index}`, graph);
  });
  const unused = new Set(stack.weightSets.keys());
  for (const { weightSet } of stack.executions) {
    if (!stack.weightSets[weightSet]) {
      throw new LamellaError('L106', { index: weightSet, count, last: count - 1 }, { place });
    }
    unused.delete(weightSet);
  }
  for (const index of unused) throw new LamellaError('L107', { index }, { place });
}

/** Each formal parameter of `body` is bound to one tensor of the same shape and role. */
function verifyBinding(body: Body, weights: readonly WeightId[], place: string, graph: Graph): void {
  if (weights.length !== body.params.length) {
    illFormed(`${weights.length} weights are bound to ${body.params.length} parameters`, place, null);
  }
  body.params.forEach((param, index) => {
    const id = weights[index]!;
    const weight = graph.weights[id];
    if (!weight) illFormed(`${param.name} is bound to weight ${id}, which does not exist`, place, null);
    if (!sameShape(param.shape, weight.shape)) {
      const shapes = `${param.name} ${shapeText(param.shape)} is bound to ${weight.name} ${shapeText(weight.shape)}`;
      illFormed(shapes, place, weight.site);
    }
    if (param.role !== weight.role) {
      illFormed(`${param.name}, a ${param.role}, is bound to ${weight.name}, a ${weight.role}`, place, weight.site);
    }
  });
}

/**
 * An execution that reads has the slot of an earlier execution that appends, and the slot holds the
 * states that it reads. An execution whose body has no keys and values must read.
 */
function verifyReads(graph: Graph): void {
  const filled = new Map<number, Body>();
  for (const { name, weightSets, executions } of graph.stacks) {
    executions.forEach(({ weightSet, slot, reads }, execution) => {
      const { body } = graph.kinds[weightSets[weightSet]!.kind]!;
      const own = statesOf(body);
      if (!reads) {
        if (own.some(({ k }) => k === null)) illFormed(`execution ${execution} appends no keys and values`, name, null);
        if (own.length > 0) filled.set(slot, body);
        return;
      }
      const source = filled.get(slot);
      const reason = source ? misread(body, source) : 'no earlier execution has filled it';
      if (reason) illFormed(`execution ${execution} cannot read slot ${slot}: ${reason}`, name, null);
    });
  }
}

type Attention = Extract<Op, { readonly kind: 'attention' }>;

/** The attentions of a body. */
export function statesOf({ nodes }: Body): readonly Attention[] {
  return nodes.flatMap(({ op }) => (op.kind === 'attention' ? [op] : []));
}

/**
 * The reason why the attentions of `body` cannot read the states that `filled` fills; null if they
 * can.
 */
export function misread(body: Body, filled: Body): string | null {
  const readers = statesOf(body);
  if (readers.length === 0) return 'it has no attention';
  if (body.nodes.some(({ op }) => op.kind === 'causalConv')) return 'it has a convolution, whose state is its own';
  for (const { state, kvHeads, headDim } of readers) {
    const source = statesOf(filled).find((each) => each.state === state);
    if (!source) return `state ${state} is not there`;
    if (source.kvHeads === kvHeads && source.headDim === headDim) continue;
    return `it has ${kvHeads} key heads of ${headDim} features, and ${source.kvHeads} of ${source.headDim} are kept`;
  }
  return null;
}

/**
 * Slots number the executions of the whole graph. Two executions on one slot is the mistake of
 * MobileLLM's released code that this compiler must never repeat.
 */
function verifySlots(graph: Graph): void {
  verifyReads(graph);
  const owners = graph.stacks.map((stack) => ({
    ...stack,
    executions: stack.executions.filter(({ reads }) => !reads),
  }));
  const count = owners.reduce((sum, stack) => sum + stack.executions.length, 0);
  const taken = new Set<number>();
  for (const { name, executions } of owners) {
    executions.forEach(({ slot }, index) => {
      if (!Number.isInteger(slot) || slot < 0 || slot >= count) {
        illFormed(`execution ${index} has slot ${slot}, but slots run from 0 to ${count - 1}`, name, null);
      }
      if (taken.has(slot)) illFormed(`execution ${index} shares state slot ${slot} with another execution`, name, null);
      taken.add(slot);
    });
  }
}

/**
 * A stack that runs twice would append to its slots twice; the slots of one that never runs stay
 * empty.
 */
function verifyStacksRunOnce(graph: Graph): void {
  graph.stacks.forEach((stack, index) => {
    const runs = graph.root.nodes.filter(({ op }) => op.kind === 'stack' && op.stack === index);
    if (runs.length !== 1) illFormed(`the stack runs ${runs.length} times`, stack.name, runs[1]?.site ?? null);
  });
}

function verifyLogits(graph: Graph): void {
  const { axes, site } = graph.root.nodes[graph.root.result]!;
  if (axes.length !== 2 || axes[1]?.size !== graph.vocab) {
    throw new LamellaError(
      'L109',
      { got: axesText(axes), remedy: 'embedding.logits(x), or a linear to the vocabulary axis' },
      { place: graph.name, site },
    );
  }
}

/** An unbound tensor would be counted and required from the checkpoint, but never packed. */
function verifyEveryWeightIsBound(graph: Graph): void {
  const bound = new Set(graph.rootWeights);
  for (const { weightSets } of graph.stacks)
    for (const { weights } of weightSets) for (const id of weights) bound.add(id);
  for (const weight of graph.weights) {
    if (!bound.has(weight.id)) illFormed('the weight belongs to no weight set', weight.name, weight.site);
  }
}
