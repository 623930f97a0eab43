/**
 * Writes a graph and its weights as a GGUF file for llama.cpp, so that a variant can be tried, and
 * checked, in an independent runtime.
 *
 * Three things differ in llama.cpp. It has no layer sharing: each execution gets its own copy of
 * the block. Its RoPE pairs adjacent features (2i, 2i + 1): the rows of W_q and W_k are reordered
 * accordingly, which keeps every q.k unchanged. And a tied head is expressed by omitting the head.
 */
import { ALIGNMENT, MAGIC } from '@lamella/checkpoint/gguf/format';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, WeightId } from '@lamella/graph/ir';
import { layOut, type Metadata, type TensorRecord } from './container.ts';
import { asLlama, type Linear, type Llama, type LlamaBlock, type LlamaSizes } from './llama.ts';
import { fits, type GgufType, type TensorType, tensorTypes } from './tensor-types.ts';
import { type TokenizerJson, vocabularyOf } from './vocabulary.ts';

export interface GgufOptions {
  /**
   * The type of matrices and tables; gains and biases are F32. With q8_0 and q4_0, a matrix whose
   * rows are not whole blocks of 32 is F16.
   */
  readonly type: GgufType;
  /**
   * The model's tokenizer. Without one, or with one that llama.cpp cannot express, the vocabulary
   * is made up.
   */
  readonly tokenizer?: TokenizerJson;
}

/** A planned file, before it is written. */
export interface GgufPlan {
  /** Size of the file. */
  readonly bytes: number;
  /** One per execution. */
  readonly layers: number;
  /** Null if the tokens come from the tokenizer; otherwise the reason why they are made up. */
  readonly madeUpVocabulary: string | null;
  /**
   * Passes the file to `write`, from first byte to last, one tensor at a time: only that tensor is
   * held, in f32 and as stored. Throws L306 for values outside the type's range, and what `source`
   * and `write` throw.
   */
  readonly run: (source: WeightSource, write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;
}

/** The numbers of `general.file_type` in GGUF. */
const fileType: Readonly<Record<GgufType, number>> = { f32: 0, f16: 1, q4_0: 2, q8_0: 7 };

/** The source of a tensor: a weight, or constants of the graph. */
interface Tensor extends TensorRecord {
  readonly from: WeightId | Float32Array;
  /**
   * Heads whose rows are reordered from (i, i + headDim / 2) pairs to adjacent pairs; 0 for none.
   */
  readonly interleave: number;
}

/** Whether a file that begins with this text is GGUF, from any writer. */
export function isGguf(beginning: string): boolean {
  return beginning.startsWith(MAGIC);
}

/**
 * Plans the file of a verified graph. Throws L306 if llama.cpp cannot run the graph, L207 for an
 * unusable tokenizer.
 */
export function planGguf(graph: Graph, options: GgufOptions): GgufPlan {
  const llama = asLlama(graph);
  const tensors = tensorsOf(graph, llama, tensorTypes[options.type]);
  const vocabulary = vocabularyOf(options.tokenizer ?? null, graph.vocab);
  const layout = layOut({ ...metadataOf(graph, llama, options.type), ...vocabulary.metadata }, tensors);
  return {
    bytes: layout.bytes,
    layers: llama.blocks.length,
    madeUpVocabulary: vocabulary.madeUp,
    async run(source, write) {
      await write(layout.header);
      for (const [i, tensor] of tensors.entries()) {
        const { bytes, padding } = layout.tensors[i]!;
        const encoded = await encode(graph, tensor, source);
        if (encoded.length !== bytes) throw new Error(`${tensor.name}: ${encoded.length} bytes, planned ${bytes}`);
        await write(encoded);
        if (padding > 0) await write(new Uint8Array(padding));
      }
    },
  };
}

/** Writes the graph with the weights of `source` as GGUF: `planGguf`, then its `run`. */
export async function exportGguf(
  graph: Graph,
  source: WeightSource,
  options: GgufOptions,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<GgufPlan> {
  const plan = planGguf(graph, options);
  await plan.run(source, write);
  return plan;
}

async function encode(graph: Graph, tensor: Tensor, source: WeightSource): Promise<Uint8Array> {
  if (typeof tensor.from !== 'number') return tensor.type.encode(tensor.from);
  const weight = graph.weights[tensor.from]!;
  const values = await source.read(weight);
  if (!fits(values, tensor.type)) {
    const reason = `it has values that are not below ${tensor.type.limit} in magnitude`;
    const { name: place, site } = weight;
    throw new LamellaError('L306', { what: 'a tensor', reason, remedy: 'type f32' }, { place, site });
  }
  const ordered = tensor.interleave === 0 ? values : interleaved(values, tensor.shape, tensor.interleave);
  return tensor.type.encode(ordered);
}

/**
 * Reorders the rows of each head from [2][headDim / 2] to [headDim / 2][2]. `shape` is [heads *
 * headDim, columns], or [heads * headDim] for a bias.
 */
function interleaved(values: Float32Array, [rows = 0, columns = 1]: readonly number[], heads: number): Float32Array {
  const headDim = rows / heads;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const i = row % headDim;
    const from = row - i + (i >> 1) + (i % 2) * (headDim / 2);
    out.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return out;
}

function tensorsOf(graph: Graph, llama: Llama, type: TensorType): Tensor[] {
  const tensor = (name: string, weight: WeightId, interleave = 0): Tensor => {
    const { shape, role } = graph.weights[weight]!;
    return {
      name,
      from: weight,
      interleave,
      shape,
      type: role === 'gain' || role === 'bias' ? tensorTypes.f32 : stored(type, shape),
    };
  };
  const linear = (name: string, { weight, bias }: Linear<WeightId>, interleave = 0): Tensor[] => [
    tensor(`${name}.weight`, weight, interleave),
    ...(bias === null ? [] : [tensor(`${name}.bias`, bias, interleave)]),
  ];
  const { pairing, heads, kvHeads, headDim } = llama.sizes;
  const turned = (count: number) => (pairing === 'half' ? count : 0);
  const block = (parts: LlamaBlock<WeightId>, i: number): Tensor[] => [
    tensor(`blk.${i}.attn_norm.weight`, parts.attentionNorm),
    ...linear(`blk.${i}.attn_q`, parts.q, turned(heads)),
    ...linear(`blk.${i}.attn_k`, parts.k, turned(kvHeads)),
    ...linear(`blk.${i}.attn_v`, parts.v),
    ...linear(`blk.${i}.attn_output`, parts.output),
    tensor(`blk.${i}.ffn_norm.weight`, parts.ffnNorm),
    ...linear(`blk.${i}.ffn_gate`, parts.gate),
    ...linear(`blk.${i}.ffn_up`, parts.up),
    ...linear(`blk.${i}.ffn_down`, parts.down),
  ];
  const factors = ropeFactors(llama.sizes);
  const ropeFreqs = { name: 'rope_freqs.weight', shape: [headDim / 2], type: tensorTypes.f32, interleave: 0 } as const;
  return [
    ...(factors ? [{ ...ropeFreqs, from: factors }] : []),
    tensor('token_embd.weight', llama.embedding),
    ...llama.blocks.flatMap(block),
    tensor('output_norm.weight', llama.outputNorm),
    ...(llama.head === null ? [] : [tensor('output.weight', llama.head)]),
  ];
}

/** `type`, or F16 if a row is not a whole number of its blocks. */
function stored(type: TensorType, shape: readonly number[]): TensorType {
  return (shape.at(-1) ?? 1) % type.blockValues === 0 ? type : tensorTypes.f16;
}

/**
 * The number by which llama.cpp divides the frequency of each pair, [headDim / 2]; null if no such
 * list is needed.
 */
function ropeFactors({ scaling, headDim, ropeTheta }: LlamaSizes): Float32Array | null {
  if (scaling?.kind === 'factors') return Float32Array.from(scaling.factors);
  if (scaling?.kind !== 'llama3') return null;
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalContext } = scaling;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = originalContext / (2 * Math.PI * ropeTheta ** ((2 * i) / headDim));
    if (turns > high) return 1;
    if (turns < low) return factor;
    const kept = (turns - low) / (high - low);
    return 1 / (kept + (1 - kept) / factor);
  });
}

/** The scaling of RoPE as metadata. Throws L306 for a YaRN that llama.cpp's keys cannot express. */
function ropeMetadata({ scaling }: LlamaSizes, place: string): Metadata {
  const f32 = (value: number) => ({ type: 'f32', value }) as const;
  const scaled = (type: string, factor: number) => ({
    'llama.rope.scaling.type': { type: 'string', value: type } as const,
    'llama.rope.scaling.factor': f32(factor),
  });
  switch (scaling?.kind) {
    case undefined:
    case 'llama3':
      return {};
    case 'factors':
      return scaling.attentionFactor === 1 ? {} : { 'llama.rope.scaling.attn_factor': f32(scaling.attentionFactor) };
    case 'linear':
      return scaled('linear', scaling.factor);
    case 'yarn': {
      const { factor, originalContext, betaFast, betaSlow, attentionFactor } = scaling;
      if (betaFast !== 32 || betaSlow !== 1) {
        const reason = `its YaRN blends from ${betaFast} to ${betaSlow} turns`;
        throw new LamellaError('L306', { what: 'the model', reason, remedy: 'betaFast: 32, betaSlow: 1' }, { place });
      }
      // llama.cpp multiplies this number by YaRN's own factor
      return {
        ...scaled('yarn', factor),
        'llama.rope.scaling.original_context_length': { type: 'u32', value: originalContext },
        'llama.rope.scaling.attn_factor': f32(attentionFactor / (1 + 0.1 * Math.log(factor))),
      };
    }
    default:
      return scaling satisfies never;
  }
}

function metadataOf(graph: Graph, llama: Llama, type: GgufType): Metadata {
  const { d, ff, heads, kvHeads, headDim, ropeTheta, eps } = llama.sizes;
  const u32 = (value: number) => ({ type: 'u32', value }) as const;
  const f32 = (value: number) => ({ type: 'f32', value }) as const;
  const string = (value: string) => ({ type: 'string', value }) as const;
  return {
    'general.architecture': string('llama'),
    'general.name': string(graph.name),
    'general.alignment': u32(ALIGNMENT),
    'general.file_type': u32(fileType[type]),
    'general.quantization_version': u32(2),
    'llama.context_length': u32(graph.tokens.size),
    'llama.embedding_length': u32(d),
    'llama.block_count': u32(llama.blocks.length),
    'llama.feed_forward_length': u32(ff),
    'llama.attention.head_count': u32(heads),
    'llama.attention.head_count_kv': u32(kvHeads),
    'llama.attention.key_length': u32(headDim),
    'llama.attention.value_length': u32(headDim),
    'llama.attention.layer_norm_rms_epsilon': f32(eps),
    'llama.rope.dimension_count': u32(headDim),
    'llama.rope.freq_base': f32(ropeTheta),
    ...ropeMetadata(llama.sizes, graph.name),
    'llama.vocab_size': u32(graph.vocab),
  };
}
