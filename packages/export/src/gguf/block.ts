/**
 * Reads a block by what it computes, never by names: the features that a checkpoint's reader would
 * find (checkpoint's `decoder/decoder.ts`), and the parameter behind each of ggml's tensors. A
 * block is a mixer (attention, a gated convolution, or none) and a feed-forward layer, each added
 * to the stream, with norms before, behind, or both.
 */
import type {
  Activation,
  Attention,
  BlockShape,
  FeedForward,
  Norm,
  QueryKeyNorm,
  ShortConv,
} from '@lamella/checkpoint/decoder/decoder';
import type { ParamId, Rope, ValueId } from '@lamella/graph/ir';
import { type NodeOf, type Reader, toPyTorch } from './reader.ts';

/** The features of a layer. */
export type LayerFeatures = Omit<BlockShape, 'name' | 'names'>;
/**
 * A parameter or weight for each of ggml's tensors, without the layer: `attn_q.weight`. Tensors
 * that some architectures join are apart: `attn_q`, `attn_k`, `attn_v`; `ffn_gate`, `ffn_up`;
 * `shortconv.b`, `shortconv.c`, `shortconv.x`.
 */
export type Parts<T> = ReadonlyMap<string, T>;

export interface Block {
  readonly features: LayerFeatures;
  readonly parts: Parts<ParamId>;
}

/** What the checkpoint stores as one tensor. */
export type StoredTogether = (params: readonly ParamId[]) => 'rows' | 'heads' | null;

/** Reads a block in a context of `context` tokens. Throws L306 at the first node that does not fit. */
export function readBlock(reader: Reader, together: StoredTogether, context: number): Block {
  const parts = new Map<string, ParamId>();
  const end = reader.sum(reader.body.result, 'the end of the block');
  const second = readHalf(reader, end.branch, together, context, parts, 'the feed-forward');
  const { value: fed } = second;
  if (fed.kind !== 'feedForward') reader.refuse(second.node, `the block ends with ${fed.kind}`, toPyTorch);
  let [first, input]: [Half | null, ValueId] = [null, end.skip];
  if (!reader.when(end.skip, 'input')) {
    const middle = reader.sum(end.skip, 'what the feed-forward is added to');
    first = readHalf(reader, middle.branch, together, context, parts, 'the attention');
    input = middle.skip;
    reader.want(input, 'input', 'what the attention is added to');
  }
  if (first?.value.kind === 'feedForward')
    reader.refuse(first.node, 'the block has two feed-forward layers', toPyTorch);

  const isParallel = first !== null && second.before !== null && second.reads === input;
  if (first !== null) wantReads(reader, first, input, 'the attention');
  if (!isParallel) wantReads(reader, second, end.skip, 'the feed-forward');
  const norms = isParallel ? 'parallel' : placeOf(reader, second);
  if (first && placeOf(reader, first) !== placeOf(reader, second))
    reader.refuse(first.node, 'it has norms in other places than the feed-forward layer', toPyTorch);
  if (isParallel && second.after) reader.refuse(second.node, 'it has a norm behind a parallel branch', toPyTorch);
  const halves = first ? [first, second] : [second];
  const all = halves.flatMap(({ before, after }) => [before, after]).filter((each) => each !== null);
  const norm = sameNorm(reader, all);
  const residualScale = sameScale(reader, halves);
  const names = [
    ['ffn_norm', second.before],
    ['post_ffw_norm', second.after],
    ['attn_norm', first?.before ?? null],
    ['post_attention_norm', first?.after ?? null],
  ] as const;
  for (const [name, node] of names) if (node) addNorm(reader, parts, name, node);
  const { kind: _, ...feedForward } = fed;
  const mixer = first === null ? null : (first.value as Attention | ShortConv);
  return { features: { mixer, feedForward, norms, norm, residualScale }, parts };
}

export type NormNode = NodeOf<'rmsNorm'> | NodeOf<'layerNorm'>;

/** A norm over all features; null for another node. */
export function normNode(reader: Reader, value: ValueId): NormNode | null {
  const rms = reader.when(value, 'rmsNorm');
  return rms ? (rms.op.heads === 1 ? rms : null) : reader.when(value, 'layerNorm');
}

export function normOf({ op }: NormNode): Norm {
  return { kind: op.kind === 'rmsNorm' ? 'rms' : 'layer', eps: op.eps, offset: 0 };
}

/** Adds the tensors of a norm. Refuses norms without gain, or LayerNorms without bias. */
export function addNorm(reader: Reader, parts: Map<string, ParamId>, name: string, node: NormNode): void {
  const { gain } = node.op;
  if (gain === null) reader.refuse(node, 'it has no gain', 'a norm with a weight, or export to PyTorch');
  parts.set(`${name}.weight`, gain);
  if (node.op.kind !== 'layerNorm') return;
  if (node.op.bias === null) reader.refuse(node, 'it is a layerNorm without bias', 'a bias, or export to PyTorch');
  parts.set(`${name}.bias`, node.op.bias);
}

type Fed = FeedForward & { readonly kind: 'feedForward' };

/** One half of a block: what is added to the stream. */
interface Half {
  readonly node: NodeOf<'linear'>;
  readonly value: Attention | ShortConv | Fed;
  readonly before: NormNode | null;
  readonly after: NormNode | null;
  /** The value of the stream that it reads. */
  readonly reads: ValueId;
  readonly scale: number | null;
}

function readHalf(
  reader: Reader,
  branch: ValueId,
  together: StoredTogether,
  context: number,
  parts: Map<string, ParamId>,
  part: string,
): Half {
  const scaled = reader.when(branch, 'scale');
  const last = scaled ? scaled.op.x : branch;
  const after = normNode(reader, last);
  const node = reader.want(after ? after.op.x : last, 'linear', `the end of ${part}`);
  const { value, linears } = contents(reader, node, together, context, parts, part);
  const first = reader.sameInput(linears);
  const before = normNode(reader, first);
  return { node, value, before, after, reads: before ? before.op.x : first, scale: scaled ? scaled.op.by : null };
}

interface Contents {
  readonly value: Half['value'];
  /** The linears that read the stream. */
  readonly linears: readonly NodeOf<'linear'>[];
}

function contents(
  reader: Reader,
  out: NodeOf<'linear'>,
  together: StoredTogether,
  context: number,
  parts: Map<string, ParamId>,
  part: string,
): Contents {
  const attention = reader.when(out.op.x, 'attention');
  if (attention) return readAttention(reader, out, attention, together, context, parts);
  const sides = reader.args(out.op.x, 'mul');
  if (sides?.some((side) => reader.when(side, 'causalConv'))) return readConv(reader, out, sides, parts);
  return readFeedForward(reader, out, together, parts, part);
}

function readAttention(
  reader: Reader,
  out: NodeOf<'linear'>,
  attention: NodeOf<'attention'>,
  together: StoredTogether,
  context: number,
  parts: Map<string, ParamId>,
): Contents {
  const { heads, kvHeads, headDim, scale, window, softcap } = attention.op;
  const q = readTurned(reader, attention.op.q, 'q');
  const k = readTurned(reader, attention.op.k!, 'k');
  if (JSON.stringify(q.rope) !== JSON.stringify(k.rope))
    reader.refuse(k.linear, 'q and k are rotated differently', 'one rope(theta) for both');
  const norm = sameQueryKeyNorm(q, k, heads, kvHeads);
  if (norm === undefined) reader.refuse(k.linear, 'q and k are normed differently', 'the same norm for both');
  const v = reader.want(attention.op.v!, 'linear', 'v');
  const qkv = [q.linear, k.linear, v];
  for (const [name, { gain }] of [['attn_q_norm', q] as const, ['attn_k_norm', k] as const])
    if (gain !== null) parts.set(`${name}.weight`, gain);
  const usualScale = 1 / Math.sqrt(headDim);
  const { theta, pairing, dims, scaling } = q.rope ?? { theta: 0, pairing: 'half' as const };
  const rope = { theta, pairing, dims: (dims ?? headDim) === headDim ? null : dims!, scaling: scaling ?? null };
  return {
    linears: qkv,
    value: {
      kind: 'attention',
      heads,
      kvHeads,
      headDim,
      bias: {
        qkv: addLinears(reader, parts, ['attn_q', 'attn_k', 'attn_v'], qkv),
        out: addLinears(reader, parts, ['attn_output'], [out]),
      },
      fused: together(qkv.map(({ op }) => op.weight)),
      norm,
      rope: q.rope ? rope : null,
      scale: Math.abs(scale - usualScale) <= 1e-6 * usualScale ? null : scale,
      window: window !== null && window < context ? window : null,
      softcap,
    },
  };
}

interface Turned {
  readonly linear: NodeOf<'linear'>;
  readonly rope: Rope | null;
  readonly norm: NodeOf<'rmsNorm'> | null;
  readonly before: QueryKeyNorm['before'];
  readonly gain: ParamId | null;
}

/** Queries or keys before attention: a linear, then a norm and RoPE in either order. */
function readTurned(reader: Reader, value: ValueId, name: string): Turned {
  const behind = reader.when(value, 'rmsNorm');
  const turned = behind ? behind.op.x : value;
  const rope = reader.when(turned, 'rope');
  const inner = rope ? reader.when(rope.op.x, 'rmsNorm') : null;
  if (behind && inner) reader.refuse(inner, `${name} has two norms`, toPyTorch);
  const linear = reader.want(inner ? inner.op.x : rope ? rope.op.x : turned, 'linear', `what becomes ${name}`);
  const norm = inner ?? behind;
  const before = behind && rope ? 'attention' : 'rope';
  return { linear, rope: rope ? rope.op.rope : null, norm, before, gain: norm ? norm.op.gain : null };
}

/** The norm of q and k; null if neither has one, undefined if they differ. */
function sameQueryKeyNorm(q: Turned, k: Turned, heads: number, kvHeads: number): QueryKeyNorm | null | undefined {
  if (q.norm === null && k.norm === null) return null;
  if (q.norm === null || k.norm === null || q.before !== k.before) return undefined;
  const [ofQ, ofK] = [q.norm.op, k.norm.op];
  if (ofQ.eps !== ofK.eps || (ofQ.gain === null) !== (ofK.gain === null)) return undefined;
  const shape = { before: q.before, gain: ofQ.gain !== null, eps: ofQ.eps, offset: 0 } as const;
  if (ofQ.heads === heads && ofK.heads === kvHeads) return { over: 'head', ...shape };
  return ofQ.heads === 1 && ofK.heads === 1 ? { over: 'projection', ...shape } : undefined;
}

function readConv(
  reader: Reader,
  out: NodeOf<'linear'>,
  [a, b]: readonly ValueId[],
  parts: Map<string, ParamId>,
): Contents {
  const [convolved, gate] = reader.when(a!, 'causalConv') ? [a!, b!] : [b!, a!];
  const conv = reader.want(convolved, 'causalConv', 'the convolution');
  const gates = reader.args(conv.op.x, 'mul') ?? reader.refuseOther(conv.op.x, 'mul', 'what the convolution reads');
  const linears = [gates[0]!, gate, gates[1]!].map((each) => reader.want(each, 'linear', 'a gate of the convolution'));
  const taps = reader.body.params[conv.op.weight]!.shape[1]!;
  const bias = addLinears(
    reader,
    parts,
    ['shortconv.b', 'shortconv.c', 'shortconv.x', 'shortconv.out_proj'],
    [...linears, out],
  );
  parts.set('shortconv.conv.weight', conv.op.weight);
  if ((conv.op.bias !== null) !== bias)
    reader.refuse(conv, 'some of the convolution has biases', 'all biases, or none');
  if (conv.op.bias !== null) parts.set('shortconv.conv.bias', conv.op.bias);
  return { linears, value: { kind: 'conv', taps, bias } };
}

const activations: readonly Activation[] = ['silu', 'gelu', 'geluTanh', 'relu'];

function readFeedForward(
  reader: Reader,
  down: NodeOf<'linear'>,
  together: StoredTogether,
  parts: Map<string, ParamId>,
  part: string,
): Contents {
  const activated = (value: ValueId) => {
    for (const activation of activations) {
      const args = reader.args(value, activation);
      if (args) return { activation, x: args[0]! };
    }
    return null;
  };
  const wanted = `an activation (${activations.join(', ')})`;
  const what = `what the last linear of ${part} reads`;
  const sides = reader.args(down.op.x, 'mul');
  const gateAt = sides?.findIndex((side) => activated(side)) ?? -1;
  if (sides && gateAt < 0) reader.refuseOther(sides[0]!, wanted, `a factor of ${what}`);
  const acted =
    activated(sides ? sides[gateAt]! : down.op.x) ?? reader.refuseOther(down.op.x, `mul or ${wanted}`, what);
  const first = reader.want(acted.x, 'linear', 'what the activation reads');
  const up = sides ? reader.want(sides[1 - gateAt]!, 'linear', 'what the gate multiplies') : first;
  const linears = sides ? [first, up] : [up];
  const bias = addLinears(reader, parts, [...(sides ? ['ffn_gate'] : []), 'ffn_up', 'ffn_down'], [...linears, down]);
  const ff = reader.body.params[up.op.weight]!.shape[0]!;
  const fused = sides !== null && together(linears.map(({ op }) => op.weight)) === 'rows';
  const { activation } = acted;
  return { linears, value: { kind: 'feedForward', ff, activation, gated: sides !== null, fused, bias } };
}

/** Adds the tensors of linears, of which all or none have a bias; returns which. */
function addLinears(
  reader: Reader,
  parts: Map<string, ParamId>,
  names: readonly string[],
  linears: readonly NodeOf<'linear'>[],
): boolean {
  const has = linears[0]!.op.bias !== null;
  for (const [i, node] of linears.entries()) {
    const { weight, bias } = node.op;
    if ((bias !== null) !== has) reader.refuse(node, `some of ${names.join(', ')} have biases`, 'all biases, or none');
    parts.set(`${names[i]}.weight`, weight);
    if (bias !== null) parts.set(`${names[i]}.bias`, bias);
  }
  return has;
}

function wantReads(reader: Reader, half: Half, stream: ValueId, part: string): void {
  if (half.reads === stream) return;
  reader.refuse(half.before ?? half.node, `${part} does not read the value that it is added to`, toPyTorch);
}

function placeOf(reader: Reader, { before, after, node }: Half): 'pre' | 'post' | 'sandwich' {
  if (before) return after ? 'sandwich' : 'pre';
  return after ? 'post' : reader.refuse(node, 'there is no norm before it or behind it', toPyTorch);
}

function sameNorm(reader: Reader, nodes: readonly NormNode[]): Norm {
  const [first, ...rest] = nodes;
  const norm = normOf(first!);
  for (const node of rest) {
    const { kind, eps } = normOf(node);
    if (kind !== norm.kind) reader.refuse(node, 'the block has norms of two kinds', 'one kind of norm');
    if (eps !== norm.eps) reader.refuse(node, `its eps is ${eps}, and ${norm.eps} elsewhere in the block`, 'one eps');
  }
  return norm;
}

function sameScale(reader: Reader, [first, second]: readonly Half[]): number | null {
  if (second && first!.scale !== second.scale)
    reader.refuse(second.node, 'the two branches of the block are scaled differently', 'one factor for both');
  return first!.scale;
}
