/** Decodes with onnxruntime: the presents of one run are the pasts of the next. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { LlamaConfig } from './onnx-model.ts';

export interface OnnxDecoder {
  /** Appends `tokens` and returns the logits of each, f32 [vocab] per token. */
  run(tokens: readonly number[]): Promise<Float32Array[]>;
  /** Empties the sequence. */
  reset(): void;
  close(): Promise<void>;
}

/**
 * Opens a model that `writeOnnxModel` wrote. One thread, because other tests run at the same time.
 */
export async function openOnnxModel(
  path: string,
  config: Pick<LlamaConfig, 'num_key_value_heads' | 'head_dim' | 'vocab_size'>,
): Promise<OnnxDecoder> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const pasts = session.inputNames.filter((name) => name.startsWith('past.'));
  const nothing = () => {
    const empty = [1, config.num_key_value_heads, 0, config.head_dim];
    return Object.fromEntries(pasts.map((name) => [name, new Tensor('float32', new Float32Array(0), empty)]));
  };
  let state: Record<string, Tensor> = nothing();
  let count = 0;
  return {
    async run(tokens) {
      count += tokens.length;
      const results = await session.run({
        ...state,
        input_ids: new Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
        seqlens_k: new Tensor('int32', Int32Array.of(count - 1), [1]),
        total_sequence_length: new Tensor('int32', Int32Array.of(count), []),
      });
      state = Object.fromEntries(pasts.map((past) => [past, tensorOf(results, past.replace('past', 'present'))]));
      const logits = tensorOf(results, 'logits').data as Float32Array;
      const vocab = config.vocab_size;
      return tokens.map((_, i) => logits.subarray(i * vocab, (i + 1) * vocab));
    },
    reset() {
      state = nothing();
      count = 0;
    },
    close: () => session.release(),
  };
}

function tensorOf(results: InferenceSession.ReturnType, name: string): Tensor {
  const found = results[name];
  if (!(found instanceof Tensor)) throw new Error(`onnxruntime gave no ${name}`);
  return found;
}
