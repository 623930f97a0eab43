/**
 * Writes a Llama as an ONNX file in the form that exporters use for speed in ONNX Runtime Web,
 * called "q8" or "dynamic int8": q, k and v as one product, attention and norms as fused operators,
 * logits of the last position only. Weights are int8 with one f32 scale per output (max|w| /
 * largest code); `DynamicQuantizeMatMul` quantises each input at run time. The embedding stays f32,
 * and so do norms and attention.
 *
 * ONNX supports sharing: executions of a block refer to the same initializers, and each has its own
 * past and present.
 */
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import type { Graph, WeightId } from '@lamella/graph/ir';
import { asLlama, type LlamaSizes } from './llama.ts';
import { microsoft, OnnxFile } from './onnx-file.ts';

/**
 * Codes of weights in seven bits, exporters' `reduce_range`: the only ones that ONNX Runtime
 * multiplies without an overflow on every CPU. Without VNNI, products of two bytes are added in
 * pairs in sixteen bits, where two products of 255 * 127 overflow.
 */
export const SEVEN_BITS = 63;
const EIGHT_BITS = 127;

/**
 * Writes `graph` with the weights of `source` to `path`, as codes of at most `largestCode`. Inputs:
 * `input_ids` i64 [1, seq], `seqlens_k` i32 [1] (all tokens so far, including these, minus one),
 * `total_sequence_length` i32 [], and `past.N.key`, `past.N.value` f32 [1, kvHeads, past, headDim]
 * for each execution N. Outputs: `logits` f32 [1, 1, vocab], `present.N.key` and `present.N.value`.
 * Throws L306 for a graph that is not a Llama.
 */
export async function writeDynamicInt8(
  path: string,
  graph: Graph,
  source: WeightSource,
  largestCode = EIGHT_BITS,
): Promise<void> {
  const llama = asLlama(graph);
  const { sizes } = llama;
  const file = new OnnxFile(path);
  const written = new Set<string>();
  const read = (weight: WeightId) => source.read(graph.weights[weight]!);

  /** The name of an f32 tensor, which is written on first use. */
  const plain = async (weight: WeightId): Promise<string> => {
    const { name, shape } = graph.weights[weight]!;
    if (!written.has(name)) file.initializer(name, shape, await read(weight));
    written.add(name);
    return name;
  };
  /** x [.., in] -> [.., out]: the outputs of all `weights`, [out, in] each, concatenated. */
  const linear = async (x: string, weights: readonly WeightId[], out: string): Promise<string> => {
    const name = graph.weights[weights[0]!]!.name;
    if (!written.has(`${name}.codes`)) {
      const columns = graph.weights[weights[0]!]!.shape[1]!;
      const { codes, scales } = quantise(await Promise.all(weights.map(read)), columns, largestCode);
      file.initializer(`${name}.codes`, [columns, scales.length], codes);
      file.initializer(`${name}.scales`, [scales.length], scales);
      written.add(`${name}.codes`);
    }
    return file.node('DynamicQuantizeMatMul', [x, `${name}.codes`, `${name}.scales`], [out], [], microsoft);
  };
  const epsilon = ['epsilon', 'float', sizes.eps] as const;

  try {
    writeInputs(file, sizes, graph.tokens.size);
    let residual = file.node('Gather', [await plain(llama.embedding), 'input_ids'], ['embedded']);
    let normed = '';
    for (const [run, layer] of llama.layers.entries()) {
      const value = (name: string) => `${run}.${name}`;
      const gain = await plain(layer('attn_norm'));
      if (run === 0) normed = file.node('SimplifiedLayerNormalization', [residual, gain], ['0.normed'], [epsilon]);
      const qkv = await linear(normed, [layer('attn_q'), layer('attn_k'), layer('attn_v')], value('qkv'));
      const attended = attention(file, qkv, run, sizes);
      const attentionOut = await linear(attended, [layer('attn_output')], value('attention_out'));
      const [hidden, middle] = [value('mlp_in'), value('middle')];
      const skip = (x: string, branch: string, gain: string, normed: string, sum: string) =>
        file.node('SkipSimplifiedLayerNormalization', [x, branch, gain], [normed, '', '', sum], [epsilon], microsoft);
      skip(residual, attentionOut, await plain(layer('ffn_norm')), hidden, middle);
      const gate = await linear(hidden, [layer('ffn_gate')], value('gate'));
      const silu = file.node('Mul', [gate, file.node('Sigmoid', [gate], [value('sigmoid')])], [value('silu')]);
      const up = await linear(hidden, [layer('ffn_up')], value('up'));
      const product = file.node('Mul', [silu, up], [value('product')]);
      const down = await linear(product, [layer('ffn_down')], value('down'));
      const next = llama.layers[run + 1]?.('attn_norm') ?? llama.outputNorm;
      normed = `${run + 1}.normed`;
      residual = value('out');
      skip(middle, down, await plain(next), normed, residual);
    }
    file.initializer('last', [1], BigInt64Array.of(-1n));
    const last = file.node('Gather', [normed, 'last'], ['last_normed'], [['axis', 'int', 1]]);
    file.output('logits', 'float', [1, 1, graph.vocab]);
    await linear(last, [llama.head], 'logits');
  } finally {
    file.close();
  }
}

/** Declares the inputs other than state, and the rotary tables, f32 [context, headDim / 2]. */
function writeInputs(file: OnnxFile, { headDim, ropeTheta }: LlamaSizes, context: number): void {
  file.input('input_ids', 'int64', [1, 'seq']);
  file.input('seqlens_k', 'int32', [1]);
  file.input('total_sequence_length', 'int32', []);
  const half = headDim / 2;
  const table = (f: (angle: number) => number) =>
    Float32Array.from({ length: context * half }, (_, at) => {
      const i = at % half;
      return f(((at - i) / half) * ropeTheta ** ((-2 * i) / headDim));
    });
  file.initializer('cos_cache', [context, half], table(Math.cos));
  file.initializer('sin_cache', [context, half], table(Math.sin));
}

function attention(file: OnnxFile, qkv: string, run: number, sizes: LlamaSizes): string {
  const { heads, kvHeads, headDim, pairing } = sizes;
  const state = (tokens: string) => [1, kvHeads, tokens, headDim];
  return file.node(
    'GroupQueryAttention',
    [
      qkv,
      '',
      '',
      file.input(`past.${run}.key`, 'float', state('past')),
      file.input(`past.${run}.value`, 'float', state('past')),
      'seqlens_k',
      'total_sequence_length',
      'cos_cache',
      'sin_cache',
    ],
    [
      `${run}.attended`,
      file.output(`present.${run}.key`, 'float', state('total')),
      file.output(`present.${run}.value`, 'float', state('total')),
    ],
    [
      ['num_heads', 'int', heads],
      ['kv_num_heads', 'int', kvHeads],
      ['scale', 'float', 1 / Math.sqrt(headDim)],
      ['do_rotary', 'int', 1],
      ['rotary_interleaved', 'int', pairing === 'adjacent' ? 1 : 0],
    ],
    microsoft,
  );
}

/**
 * Matrices [out, columns], stacked along `out`, as codes int8 [columns, out] and scales f32 [out].
 * An all-zero output has scale 1.
 */
function quantise(
  matrices: readonly Float32Array[],
  columns: number,
  largestCode: number,
): { codes: Int8Array; scales: Float32Array } {
  const outputs = matrices.reduce((sum, { length }) => sum + length / columns, 0);
  const codes = new Int8Array(columns * outputs);
  const scales = new Float32Array(outputs);
  let out = 0;
  for (const matrix of matrices) {
    for (let from = 0; from < matrix.length; from += columns, out++) {
      let largest = 0;
      for (let k = 0; k < columns; k++) largest = Math.max(largest, Math.abs(matrix[from + k]!));
      const scale = Math.fround(largest / largestCode) || 1;
      scales[out] = scale;
      for (let k = 0; k < columns; k++) codes[k * outputs + out] = Math.round(matrix[from + k]! / scale);
    }
  }
  return { codes, scales };
}
