/**
 * Reads a graph as a decoder: the features of each execution and the weight behind each of ggml's
 * tensors. llama.cpp has no layer sharing, so a weight set that runs twice is two layers.
 */
import type { Decoder } from '@lamella/checkpoint/decoder/decoder';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, ParamId, WeightId } from '@lamella/graph/ir';
import {
  addNorm,
  type Block,
  type LayerFeatures,
  normNode,
  normOf,
  type Parts,
  readBlock,
  type StoredTogether,
} from './block.ts';
import { Reader, toPyTorch } from './reader.ts';

/** What a model computes, without names. */
export interface Features extends Pick<Decoder, 'd' | 'vocab' | 'context' | 'finalNorm' | 'head'> {
  readonly embeddingScale: number | null;
  /** One per execution, in order. */
  readonly layers: readonly LayerFeatures[];
}

export interface Model {
  readonly features: Features;
  /** `token_embd.weight`, `output.weight` if the head is not tied, and `output_norm.*`. */
  readonly outer: Parts<WeightId>;
  /** One per execution, in order. */
  readonly layers: readonly Parts<WeightId>[];
}

/** Reads a verified graph. Throws L306 at the first node that llama.cpp has in no architecture. */
export function readModel(graph: Graph): Model {
  refuseSharedStates(graph);
  const root = new Reader(graph.name, graph.root);
  const scaled = root.when(graph.root.result, 'scale');
  const logits = root.want(scaled ? scaled.op.x : graph.root.result, 'linear', 'the head');
  if (logits.op.bias !== null) root.refuse(logits, 'its head has a bias', 'linear(d, vocab) without bias');
  const lastNorm = normNode(root, logits.op.x) ?? root.refuseOther(logits.op.x, 'a norm', 'what the head reads');

  const stacks: number[] = [];
  let x = lastNorm.op.x;
  for (let node = root.when(x, 'stack'); node; node = root.when(x, 'stack')) {
    stacks.unshift(node.op.stack);
    x = node.op.x;
  }
  if (stacks.length === 0) root.want(x, 'stack', 'what the last norm reads');
  const scaledRows = root.when(x, 'scale');
  const embed = root.want(scaledRows ? scaledRows.op.x : x, 'embed', 'what the first stack reads');

  const blocks = new Map<number, Block>();
  const executions = stacks.flatMap((stack) => {
    const { executions, weightSets } = graph.stacks[stack]!;
    return executions.map(({ weightSet }) => {
      const { kind, weights } = weightSets[weightSet]!;
      const block = blocks.get(kind) ?? readKind(graph, kind, weights);
      blocks.set(kind, block);
      return { block, weights };
    });
  });
  if (!executions.some(({ block }) => block.features.mixer?.kind === 'attention'))
    root.refuse(lastNorm, 'no block has attention', toPyTorch);

  const weightOf = (param: ParamId) => bound(graph.rootWeights, param);
  const outer = new Map<string, ParamId>([['token_embd.weight', embed.op.table]]);
  addNorm(root, outer, 'output_norm', lastNorm);
  const tied = weightOf(embed.op.table) === weightOf(logits.op.weight);
  if (!tied) outer.set('output.weight', logits.op.weight);
  return {
    features: {
      d: graph.weights[weightOf(embed.op.table)]!.shape[1]!,
      vocab: graph.vocab,
      context: graph.tokens.size,
      embeddingScale: scaledRows ? scaledRows.op.by : null,
      layers: executions.map(({ block }) => block.features),
      finalNorm: normOf(lastNorm),
      head: { tied, bias: false, scale: scaled ? scaled.op.by : null, softcap: null },
    },
    outer: mapped(outer, weightOf),
    layers: executions.map(({ block, weights }) => mapped(block.parts, (param) => bound(weights, param))),
  };
}

/** llama.cpp's layers have keys and values of their own. */
function refuseSharedStates({ name, stacks }: Graph): void {
  for (const stack of stacks) {
    const reader = stack.executions.findIndex(({ reads }) => reads);
    if (reader < 0) continue;
    const reason = `execution ${reader} of ${stack.name} reads the keys and values of an earlier one`;
    const remedy = "kv: 'perExecution', or export to PyTorch";
    throw new LamellaError('L306', { what: 'the model', reason, remedy }, { place: name });
  }
}

function readKind(graph: Graph, kind: number, weights: readonly WeightId[]): Block {
  const { name, body } = graph.kinds[kind]!;
  const together: StoredTogether = (params) => {
    const stored = params.map((param) => graph.weights[bound(weights, param)]!.stored);
    const [first] = stored;
    if (!first || stored.some((each) => each?.tensor !== first.tensor)) return null;
    return first.rows.groups === 1 ? 'rows' : 'heads';
  };
  return readBlock(new Reader(name, body), together, graph.tokens.size);
}

function bound(weights: readonly WeightId[], param: ParamId): WeightId {
  const weight = weights[param];
  if (weight === undefined) throw new Error(`parameter ${param} is not bound`);
  return weight;
}

function mapped(parts: Parts<ParamId>, weightOf: (param: ParamId) => WeightId): Parts<WeightId> {
  return new Map([...parts].map(([name, param]) => [name, weightOf(param)]));
}
