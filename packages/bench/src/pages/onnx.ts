/**
 * ONNX Runtime Web with its WASM provider, through its public API. States are inputs and outputs of
 * every run, as in transformers.js.
 */
import { type Asked, likeliest, stopwatch } from '../contender.ts';

/** The part of its API that is used. */
interface Tensor {
  readonly data: Float32Array;
}
interface Session {
  readonly inputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
}
interface Library {
  env: { wasm: { wasmPaths: string; numThreads: number } };
  Tensor: new (type: string, data: Float32Array | BigInt64Array | Int32Array, shape: readonly number[]) => Tensor;
  InferenceSession: {
    create(
      model: Uint8Array,
      options: { executionProviders: readonly string[]; graphOptimizationLevel: 'all' },
    ): Promise<Session>;
  };
}

/** Loads a file written by `writeDynamicInt8`. */
export async function openOnnx(
  peers: string,
  model: string,
  { kvHeads, headDim }: { readonly kvHeads: number; readonly headDim: number },
  threads: number,
): Promise<Asked> {
  const folder = `${peers}onnxruntime-web/dist/`;
  const ort = (await import(`${folder}ort.wasm.min.mjs`)) as Library;
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = threads;
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'all' } as const;
  const session = await ort.InferenceSession.create(bytes, options);

  const pasts = session.inputNames.filter((name) => name.startsWith('past.'));
  let state: Record<string, Tensor> = {};
  let position = 0;
  const reset = () => {
    position = 0;
    const empty = [1, kvHeads, 0, headDim];
    state = Object.fromEntries(pasts.map((name) => [name, new ort.Tensor('float32', new Float32Array(0), empty)]));
  };
  const run = async (tokens: readonly number[]): Promise<Float32Array> => {
    position += tokens.length;
    const results = await session.run({
      ...state,
      input_ids: new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
      seqlens_k: new ort.Tensor('int32', Int32Array.of(position - 1), [1]),
      total_sequence_length: new ort.Tensor('int32', Int32Array.of(position), []),
    });
    for (const past of pasts) state[past] = results[past.replace('past', 'present')]!;
    return results.logits!.data;
  };
  return {
    async generate(prompt, count) {
      reset();
      const watch = stopwatch();
      let next = prompt;
      for (let n = 0; n < count; n++) {
        next = [likeliest(await run(next))];
        watch.token();
      }
      return watch.generated;
    },
    async logits(tokens) {
      reset();
      return [...(await run(tokens))];
    },
  };
}
