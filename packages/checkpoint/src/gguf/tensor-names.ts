/** The names of tensors, in GGUF files and at Hugging Face. */
import type { BlockShape, Decoder } from '../decoder/decoder.ts';
import type { Architecture } from './architectures.ts';

/** A parsed ggml name: `blk.7.attn_q.weight` is the weight of attn_q in layer 7. */
export interface TensorName {
  /** The name without layer and kind. */
  readonly part: string;
  /** Null for tensors outside the layers. */
  readonly layer: number | null;
  /** `weight` or `bias`. */
  readonly kind: string;
}

export function tensorName(name: string): TensorName {
  const [, layer, part = '', kind = ''] = /^(?:blk\.(\d{1,4})\.)?(.*?)\.(weight|bias)$/s.exec(name) ?? [];
  return { part, kind, layer: layer === undefined ? null : Number(layer) };
}

/** The name at Hugging Face; null if a decoder has no such tensor. */
export function huggingFaceName(
  { part, layer, kind }: TensorName,
  { block, model, embedding, up }: Omit<Architecture, 'read'>,
): string | null {
  if (layer === null) {
    const name = new Map([
      ['token_embd', `${model.prefix}.${embedding}`],
      ['output_norm', `${model.prefix}.${model.norm}`],
      // LFM2's norm before the head
      ['token_embd_norm', `${model.prefix}.${model.norm}`],
      ['output', model.head],
    ]).get(part);
    return name === undefined ? null : `${name}.${kind}`;
  }
  const name = new Map([
    ['attn_norm', block.mixerNorm],
    ['attn_q', `${block.mixer}.${block.q}`],
    ['attn_k', `${block.mixer}.${block.k}`],
    ['attn_v', `${block.mixer}.${block.v}`],
    ['attn_qkv', `${block.mixer}.${block.qkv}`],
    ['attn_output', `${block.mixer}.${block.out}`],
    ['attn_q_norm', `${block.mixer}.${block.qNorm}`],
    ['attn_k_norm', `${block.mixer}.${block.kNorm}`],
    ['post_attention_norm', block.mixerPostNorm],
    ['shortconv.conv', 'conv.conv'],
    ['shortconv.in_proj', 'conv.in_proj'],
    ['shortconv.out_proj', 'conv.out_proj'],
    ['ffn_norm', block.feedForwardNorm],
    ['ffn_gate', `${block.feedForward}.${block.gate}`],
    ['ffn_up', `${block.feedForward}.${block[up]}`],
    ['ffn_down', `${block.feedForward}.${block.down}`],
    ['post_ffw_norm', block.feedForwardPostNorm],
  ]).get(part);
  return name === undefined ? null : `${model.prefix}.${model.layers}.${layer}.${name}.${kind}`;
}

/** All tensors of a file with this decoder, by ggml's names. */
export function tensorsOf({ kinds, layers, head, finalNorm }: Decoder): ReadonlySet<string> {
  const outer = ['token_embd.weight', ...(head.tied ? [] : ['output.weight'])];
  // LFM2's is token_embd_norm
  const lastNorms = ['output_norm', 'token_embd_norm'].flatMap((name) => withBias(name, finalNorm.kind === 'layer'));
  const blocks = layers.flatMap((kind, layer) => blockTensors(kinds[kind]!).map((name) => `blk.${layer}.${name}`));
  return new Set([...outer, ...lastNorms, ...blocks]);
}

function blockTensors({ mixer, feedForward, norms, norm }: BlockShape): readonly string[] {
  const [before, after] = [norms !== 'post', norms === 'post' || norms === 'sandwich'];
  const gain = (name: string) => withBias(name, norm.kind === 'layer');
  const fed = feedForward.gated && !feedForward.fused ? ['ffn_gate', 'ffn_up', 'ffn_down'] : ['ffn_up', 'ffn_down'];
  return [
    ...(before ? [...gain('attn_norm'), ...gain('ffn_norm')] : []),
    ...(after ? [...gain('post_attention_norm'), ...gain('post_ffw_norm')] : []),
    ...(mixer === null ? [] : mixerTensors(mixer)),
    ...fed.flatMap((name) => withBias(name, feedForward.bias)),
  ];
}

function mixerTensors(mixer: NonNullable<BlockShape['mixer']>): readonly string[] {
  if (mixer.kind === 'conv') {
    const { bias } = mixer;
    return ['conv', 'in_proj', 'out_proj'].flatMap((name) => withBias(`shortconv.${name}`, bias));
  }
  const { fused, bias, norm } = mixer;
  const projections = fused === null ? ['attn_q', 'attn_k', 'attn_v'] : ['attn_qkv'];
  return [
    ...projections.flatMap((name) => withBias(name, bias.qkv)),
    ...withBias('attn_output', bias.out),
    ...(norm?.gain ? ['attn_q_norm.weight', 'attn_k_norm.weight'] : []),
  ];
}

function withBias(name: string, bias: boolean): readonly string[] {
  return bias ? [`${name}.weight`, `${name}.bias`] : [`${name}.weight`];
}
