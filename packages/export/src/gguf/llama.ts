/**
 * Checks whether a graph is a Llama in llama.cpp's sense (its architecture "llama": arXiv
 * 2302.13971), and if so finds the role of each weight. It examines what the graph computes, never
 * names: a block is x + W_o attention(rope(W_q n), rope(W_k n), W_v n) with n = rmsNorm(x), then h
 * + W_down(silu(W_gate m) * W_up m) with m = rmsNorm(h); all blocks have the same sizes. Linears of
 * a block may have biases.
 *
 * llama.cpp has no layer sharing, so the blocks listed are executions: a weight set that runs twice
 * is listed twice.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { FunctionName } from '@lamella/graph/functions';
import {
  type Body,
  type Graph,
  type Node,
  type Op,
  operationName,
  type ParamId,
  type RopeScaling,
  type Site,
  type ValueId,
  type WeightId,
} from '@lamella/graph/ir';

/** A linear's tensors; `T` is a parameter of a block, or a weight of the graph. */
export interface Linear<T> {
  readonly weight: T;
  readonly bias: T | null;
}

/** The parts of one block. */
export interface LlamaBlock<T> {
  readonly attentionNorm: T;
  readonly q: Linear<T>;
  readonly k: Linear<T>;
  readonly v: Linear<T>;
  readonly output: Linear<T>;
  readonly ffnNorm: T;
  readonly gate: Linear<T>;
  readonly up: Linear<T>;
  readonly down: Linear<T>;
}

/** The sizes that all blocks share. */
export interface LlamaSizes {
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly pairing: 'half' | 'adjacent';
  readonly scaling: RopeScaling | null;
  readonly eps: number;
}

export interface Llama {
  readonly sizes: LlamaSizes;
  readonly embedding: WeightId;
  /** One per execution, in order. */
  readonly blocks: readonly LlamaBlock<WeightId>[];
  readonly outputNorm: WeightId;
  /** Null if the head is tied to the embedding. */
  readonly head: WeightId | null;
}

/** Reads a verified graph as a Llama. Throws L306 at the first node that does not fit. */
export function asLlama(graph: Graph): Llama {
  refuseSharedStates(graph);
  const kinds = graph.kinds.map((kind) => readBlock(new Reader(kind.name, kind.body)));
  const root = new Reader(graph.name, graph.root);

  const logits = root.want(graph.root.result, 'linear', 'the head');
  const head = root.op(logits);
  if (head.bias !== null) root.refuse(logits, 'its head has a bias', 'linear(d, vocab) without bias');
  const lastNorm = root.want(head.x, 'rmsNorm', 'what the head reads');
  const { sizes, stacks, x } = readStacks(graph, root, root.op(lastNorm).x, kinds);
  const embed = root.op(root.want(x, 'embed', 'what the first stack reads'));
  sameSizes(root, lastNorm, sizes, { eps: root.op(lastNorm).eps });

  const rootWeight = (param: ParamId) => bound(graph.rootWeights, param);
  const embedding = rootWeight(embed.table);
  const headWeight = rootWeight(head.weight);
  return {
    sizes,
    embedding,
    blocks: stacks.flatMap((stack) =>
      graph.stacks[stack]!.executions.map((execution) => {
        const set = graph.stacks[stack]!.weightSets[execution.weightSet]!;
        return bindBlock(kinds[set.kind]!.parts, (param) => bound(set.weights, param));
      }),
    ),
    outputNorm: rootWeight(gainOf(root, lastNorm)),
    head: headWeight === embedding ? null : headWeight,
  };
}

/** llama.cpp's Llama has keys and values of its own in every layer. */
function refuseSharedStates({ name, stacks }: Graph): void {
  for (const stack of stacks) {
    const reader = stack.executions.findIndex(({ reads }) => reads);
    if (reader < 0) continue;
    const reason = `execution ${reader} of ${stack.name} reads the keys and values of an earlier one`;
    throw new LamellaError(
      'L306',
      { what: 'the model', reason, remedy: "kv: 'perExecution', or export to PyTorch" },
      { place: name },
    );
  }
}

interface ReadBlock {
  readonly reader: Reader;
  readonly attention: NodeOf<'attention'>;
  readonly parts: LlamaBlock<ParamId>;
  readonly sizes: LlamaSizes;
}

/**
 * Returns the stacks that end in value `last`, in the order they run, and the value that the first
 * one reads.
 */
function readStacks(graph: Graph, root: Reader, last: ValueId, kinds: readonly ReadBlock[]) {
  const stacks: number[] = [];
  let x = last;
  for (let node = root.node(x); node.op.kind === 'stack'; node = root.node(x)) {
    stacks.unshift(node.op.stack);
    x = node.op.x;
  }
  if (stacks.length === 0) root.want(x, 'stack', 'what the last norm reads');
  const used = new Set(stacks.flatMap((stack) => graph.stacks[stack]!.weightSets.map((set) => set.kind)));
  const [first, ...rest] = [...used].map((kind) => kinds[kind]!);
  for (const block of rest) sameSizes(block.reader, block.attention, first!.sizes, block.sizes);
  return { sizes: first!.sizes, stacks, x };
}

function readBlock(reader: Reader): ReadBlock {
  const { body } = reader;
  const ffnSum = reader.branch(body.result, 'the end of the block');
  const down = reader.want(ffnSum.branch, 'linear', 'the last linear of the feed-forward');
  const [a, b] = reader.args(reader.op(down).x, 'mul', 'what the last linear of the feed-forward reads');
  const [gated, upValue] = reader.is(a!, 'silu') ? [a!, b!] : [b!, a!];
  const gate = reader.want(reader.args(gated, 'silu', 'the gate')[0]!, 'linear', 'what the gate reads');
  const up = reader.want(upValue, 'linear', 'what the gate multiplies');
  const ffnNorm = reader.sameInput('rmsNorm', [gate, up]);
  if (reader.op(ffnNorm).x !== ffnSum.skip)
    reader.refuse(ffnNorm, 'the feed-forward does not read the value that it is added to', pattern);

  const attentionSum = reader.branch(ffnSum.skip, 'what the feed-forward is added to');
  const output = reader.want(attentionSum.branch, 'linear', 'the last linear of the attention');
  const attention = reader.want(reader.op(output).x, 'attention', 'what the last linear of the attention reads');
  const { heads, kvHeads, headDim, scale } = reader.op(attention);
  const usualScale = 1 / Math.sqrt(headDim);
  if (Math.abs(scale - usualScale) > 1e-6 * usualScale)
    reader.refuse(attention, `its scale is ${scale}`, `the usual 1 / sqrt(headDim), ${usualScale}`);
  const { window, softcap } = reader.op(attention);
  if (window !== null) reader.refuse(attention, `it has a window of ${window}`, 'attention over all positions');
  if (softcap !== null) reader.refuse(attention, `its scores have a soft cap of ${softcap}`, 'no softcap');
  const qRope = reader.want(reader.op(attention).q, 'rope', 'q');
  const kRope = reader.want(reader.op(attention).k!, 'rope', 'k');
  const { rope } = reader.op(qRope);
  const { theta: ropeTheta, pairing, dims = headDim, scaling = null } = rope;
  if (dims !== headDim)
    reader.refuse(
      qRope,
      `RoPE rotates ${dims} of ${headDim} features of a head`,
      'rope without dims, or export to PyTorch',
    );
  if (JSON.stringify(reader.op(kRope).rope) !== JSON.stringify(rope))
    reader.refuse(kRope, 'q and k are rotated differently', 'one rope(theta) for both');
  const q = reader.want(reader.op(qRope).x, 'linear', 'what becomes q');
  const k = reader.want(reader.op(kRope).x, 'linear', 'what becomes k');
  const v = reader.want(reader.op(attention).v!, 'linear', 'v');
  const attentionNorm = reader.sameInput('rmsNorm', [q, k, v]);
  if (reader.op(attentionNorm).x !== attentionSum.skip)
    reader.refuse(attentionNorm, 'the attention does not read the value that it is added to', pattern);
  reader.want(attentionSum.skip, 'input', 'what the attention is added to');

  const [ff = 0, d = 0] = body.params[reader.op(gate).weight]!.shape;
  const { eps } = reader.op(attentionNorm);
  const sizes = { d, ff, heads, kvHeads, headDim, ropeTheta, pairing, scaling, eps };
  sameSizes(reader, ffnNorm, sizes, { eps: reader.op(ffnNorm).eps });
  const linear = (node: NodeOf<'linear'>) => ({ weight: reader.op(node).weight, bias: reader.op(node).bias });
  const parts = {
    attentionNorm: gainOf(reader, attentionNorm),
    q: linear(q),
    k: linear(k),
    v: linear(v),
    output: linear(output),
    ffnNorm: gainOf(reader, ffnNorm),
    gate: linear(gate),
    up: linear(up),
    down: linear(down),
  };
  return { reader, attention, parts, sizes };
}

/** The gain of a norm; refuses a norm without one, which a Llama does not have. */
function gainOf(reader: Reader, norm: NodeOf<'rmsNorm'>): ParamId {
  const { gain } = reader.op(norm);
  return gain ?? reader.refuse(norm, 'it has no gain', 'a norm with a weight, or export to PyTorch');
}

/** Throws if `got` differs from `expected`: llama.cpp stores each of these sizes once per model. */
function sameSizes(reader: Reader, node: Node, expected: LlamaSizes, got: Partial<LlamaSizes>): void {
  for (const key of Object.keys(got) as (keyof LlamaSizes)[]) {
    const [its, elsewhere] = [got[key], expected[key]].map((value) => JSON.stringify(value)?.replaceAll('"', ''));
    if (its === elsewhere) continue;
    const reason = `its ${key} is ${its}, and ${elsewhere} elsewhere in the model`;
    reader.refuse(node, reason, `the same ${key} everywhere`);
  }
}

function bindBlock(block: LlamaBlock<ParamId>, weightOf: (param: ParamId) => WeightId): LlamaBlock<WeightId> {
  const linear = ({ weight, bias }: Linear<ParamId>): Linear<WeightId> => ({
    weight: weightOf(weight),
    bias: bias === null ? null : weightOf(bias),
  });
  return {
    attentionNorm: weightOf(block.attentionNorm),
    q: linear(block.q),
    k: linear(block.k),
    v: linear(block.v),
    output: linear(block.output),
    ffnNorm: weightOf(block.ffnNorm),
    gate: linear(block.gate),
    up: linear(block.up),
    down: linear(block.down),
  };
}

function bound(weights: readonly WeightId[], param: ParamId): WeightId {
  const weight = weights[param];
  if (weight === undefined) throw new Error(`parameter ${param} is not bound`);
  return weight;
}

type Kind = Op['kind'];
type OpOf<K extends Kind> = Extract<Op, { readonly kind: K }>;
interface NodeOf<K extends Kind> extends Node {
  readonly op: OpOf<K>;
}

const pattern = 'x + gqa(rmsNorm(x)) with rope, then x + swiglu(rmsNorm(x)), or export to PyTorch';

/** Reads a body backwards from its result. A node that does not fit is refused at its place. */
class Reader {
  readonly name: string;
  readonly body: Body;

  constructor(name: string, body: Body) {
    this.name = name;
    this.body = body;
  }

  node(value: ValueId): Node {
    const node = this.body.nodes[value];
    if (!node) throw new Error(`${this.name} has no value ${value}`);
    return node;
  }

  op<K extends Kind>(node: NodeOf<K>): OpOf<K> {
    return node.op;
  }

  is(value: ValueId, what: string): boolean {
    return operationName(this.node(value).op) === what;
  }

  /** The arguments of an element-wise function. */
  args(value: ValueId, fn: FunctionName, part: string): readonly ValueId[] {
    const node = this.node(value);
    const { op } = node;
    if (op.kind !== 'map' || op.fn !== fn)
      this.refuse(node, `${part} is ${operationName(node.op)} where llama.cpp has ${fn}`, pattern);
    return op.args;
  }

  want<K extends Kind>(value: ValueId, kind: K, part: string): NodeOf<K> {
    const node = this.node(value);
    if (node.op.kind === 'rmsNorm' && node.op.heads > 1) this.refuse(node, `${part} is a norm of each head`, pattern);
    if (node.op.kind !== kind)
      this.refuse(node, `${part} is ${operationName(node.op)} where llama.cpp has ${kind}`, pattern);
    return node as NodeOf<K>;
  }

  /** The two sides of a sum, in either order: the linear, and the value that skips it. */
  branch(value: ValueId, part: string): { readonly branch: ValueId; readonly skip: ValueId } {
    const [a, b] = this.args(value, 'add', part) as [ValueId, ValueId];
    return this.is(a, 'linear') ? { branch: a, skip: b } : { branch: b, skip: a };
  }

  /** The one node that all these linears read. */
  sameInput<K extends Kind>(kind: K, [first, ...rest]: readonly NodeOf<'linear'>[]): NodeOf<K> {
    const x = first!.op.x;
    for (const node of rest)
      if (node.op.x !== x) this.refuse(node, 'it reads another value than its siblings', pattern);
    return this.want(x, kind, 'what the first linears read');
  }

  refuse(node: Node, reason: string, remedy: string): never {
    const place = [this.name, node.path].filter(Boolean).join('.');
    const site: Site | null = node.site;
    throw new LamellaError('L306', { what: 'the model', reason, remedy }, { place, site });
  }
}
