/**
 * Writes a Llama-shaped checkpoint as an ONNX model, which onnxruntime runs with its own kernels:
 * an independent check of our maths. It uses no code of the compiler or the oracle; names, shapes
 * and order are restated from Hugging Face's conventions. Attention and norms are the fused
 * operators that exporters write for onnxruntime. Every checkpoint tensor is one initializer, in
 * its own layout [out, in]; executions that share a block refer to the same initializers, and each
 * has its own past and present.
 */
import { microsoft, OnnxFile } from '@lamella/bench/onnx/onnx-file';

/** The keys of a Hugging Face `config.json` that determine the maths. */
export interface LlamaConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly rope_theta: number;
  readonly rms_norm_eps: number;
}

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The tensors of one block, by name inside it. */
function blockTensors(config: LlamaConfig) {
  const d = config.hidden_size;
  const ff = config.intermediate_size;
  const q = config.num_attention_heads * config.head_dim;
  const kv = config.num_key_value_heads * config.head_dim;
  return {
    'input_layernorm.weight': [d],
    'self_attn.q_proj.weight': [q, d],
    'self_attn.k_proj.weight': [kv, d],
    'self_attn.v_proj.weight': [kv, d],
    'self_attn.o_proj.weight': [d, q],
    'post_attention_layernorm.weight': [d],
    'mlp.gate_proj.weight': [ff, d],
    'mlp.up_proj.weight': [ff, d],
    'mlp.down_proj.weight': [d, ff],
  } as const;
}

const embedding = 'model.embed_tokens.weight';
const finalNorm = 'model.norm.weight';
const untiedHead = 'lm_head.weight';

/** Every tensor of the checkpoint. Tensors with a single axis are gains. */
export function checkpointTensors(config: LlamaConfig, tied: boolean): Tensor[] {
  const table = [config.vocab_size, config.hidden_size];
  const blocks = Array.from({ length: config.num_hidden_layers }, (_, block) =>
    Object.entries(blockTensors(config)).map(([name, shape]) => ({ name: `model.layers.${block}.${name}`, shape })),
  );
  return [
    { name: embedding, shape: table },
    ...blocks.flat(),
    { name: finalNorm, shape: [config.hidden_size] },
    ...(tied ? [] : [{ name: untiedHead, shape: table }]),
  ];
}

/**
 * Writes the model to `path`. `executions` names the block that runs at each step; `read` returns a
 * tensor's values, f32 row-major.
 *
 * Inputs: `input_ids` i64 [1, seq], `seqlens_k` i32 [1] (all tokens so far, including these, minus
 * one), `total_sequence_length` i32 [], and `past.N.key`, `past.N.value` f32 [1, kvHeads, past,
 * headDim] for each execution N. Outputs: `logits` f32 [1, seq, vocab] and `present.N.key`,
 * `present.N.value`.
 */
export async function writeOnnxModel(
  path: string,
  config: LlamaConfig,
  tied: boolean,
  executions: readonly number[],
  read: (tensor: Tensor) => Float32Array | Promise<Float32Array>,
): Promise<void> {
  const file = new OnnxFile(path);
  try {
    for (const tensor of checkpointTensors(config, tied))
      file.initializer(tensor.name, tensor.shape, await read(tensor));
    writeRotaryCaches(file, config);
    writeNodes(file, config, tied, executions);
  } finally {
    file.close();
  }
}

/** cos and sin of position * theta^(-2i/headDim), f32 [context, headDim / 2]. */
function writeRotaryCaches(file: OnnxFile, config: LlamaConfig): void {
  const half = config.head_dim / 2;
  const context = config.max_position_embeddings;
  const table = (f: (angle: number) => number) =>
    Float32Array.from({ length: context * half }, (_, at) => {
      const i = at % half;
      return f(((at - i) / half) * config.rope_theta ** ((-2 * i) / config.head_dim));
    });
  file.initializer('cos_cache', [context, half], table(Math.cos));
  file.initializer('sin_cache', [context, half], table(Math.sin));
}

function writeNodes(file: OnnxFile, config: LlamaConfig, tied: boolean, executions: readonly number[]): void {
  const linear = (x: string, weight: string, out: string) =>
    file.node('FusedMatMul', [x, weight], [out], [['transB', 'int', 1]], microsoft);
  const norm = (x: string, gain: string, out: string) =>
    file.node('SimplifiedLayerNormalization', [x, gain], [out], [['epsilon', 'float', config.rms_norm_eps]]);

  file.input('input_ids', 'int64', [1, 'seq']);
  file.input('seqlens_k', 'int32', [1]);
  file.input('total_sequence_length', 'int32', []);
  const state = (tokens: string) => [1, config.num_key_value_heads, tokens, config.head_dim];

  let x = file.node('Gather', [embedding, 'input_ids'], ['embedded']);
  executions.forEach((block, run) => {
    const weight = (name: keyof ReturnType<typeof blockTensors>) => `model.layers.${block}.${name}`;
    const value = (name: string) => `${run}.${name}`;

    const normed = norm(x, weight('input_layernorm.weight'), value('attention_input'));
    const attended = file.node(
      'GroupQueryAttention',
      [
        linear(normed, weight('self_attn.q_proj.weight'), value('q')),
        linear(normed, weight('self_attn.k_proj.weight'), value('k')),
        linear(normed, weight('self_attn.v_proj.weight'), value('v')),
        file.input(`past.${run}.key`, 'float', state('past')),
        file.input(`past.${run}.value`, 'float', state('past')),
        'seqlens_k',
        'total_sequence_length',
        'cos_cache',
        'sin_cache',
      ],
      [
        value('attended'),
        file.output(`present.${run}.key`, 'float', state('total')),
        file.output(`present.${run}.value`, 'float', state('total')),
      ],
      [
        ['num_heads', 'int', config.num_attention_heads],
        ['kv_num_heads', 'int', config.num_key_value_heads],
        ['scale', 'float', 1 / Math.sqrt(config.head_dim)],
        ['do_rotary', 'int', 1],
        ['rotary_interleaved', 'int', 0],
      ],
      microsoft,
    );
    x = file.node(
      'Add',
      [x, linear(attended, weight('self_attn.o_proj.weight'), value('attention_output'))],
      [value('after_attention')],
    );

    const hidden = norm(x, weight('post_attention_layernorm.weight'), value('mlp_input'));
    const gate = linear(hidden, weight('mlp.gate_proj.weight'), value('gate'));
    const silu = file.node('Mul', [gate, file.node('Sigmoid', [gate], [value('sigmoid')])], [value('silu')]);
    const up = linear(hidden, weight('mlp.up_proj.weight'), value('up'));
    const product = file.node('Mul', [silu, up], [value('product')]);
    x = file.node('Add', [x, linear(product, weight('mlp.down_proj.weight'), value('mlp_output'))], [value('out')]);
  });
  file.output('logits', 'float', [1, 'seq', config.vocab_size]);
  linear(norm(x, finalNorm, 'normed'), tied ? embedding : untiedHead, 'logits');
}
