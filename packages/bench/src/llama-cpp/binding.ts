/**
 * llama.cpp, as an independent reference and as a contender: GGUF file and token ids in, logits
 * out. It calls the raw binding of node-llama-cpp's prebuilt library, because the public API gives
 * probabilities instead of logits. Weights are used as stored in the file. Optional: the library
 * does not exist for every operating system and processor.
 */
import { createRequire } from 'node:module';
import path from 'node:path';

/** The part of the binding that is used. */
interface Binding {
  AddonModel: new (file: string, options: { gpuLayers: number; useMmap: boolean; addonExports: Binding }) => Model;
  AddonContext: new (model: Model, options: ContextOptions) => Context;
  AddonSampler: new (model: Model) => Sampler;
  setLogger(log: (level: number, message: string) => void): void;
  setLoggerLogLevel(level: number): void;
  loadBackends(folder: string): void;
  init(): Promise<void>;
}
interface Model {
  init(): Promise<boolean>;
  tokenize(text: string, specialTokens: boolean): Uint32Array;
  dispose(): Promise<void>;
}
interface ContextOptions {
  contextSize: number;
  batchSize: number;
  sequences: number;
  threads: number;
  flashAttention: boolean;
  /** Types of ggml; 0 is F32. */
  kvCacheKeyType: number;
  kvCacheValueType: number;
}
interface Context {
  init(): Promise<boolean>;
  initBatch(tokens: number): void;
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitsOf: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  /** If the fifth argument is set, the last result holds [id, logit] pairs in a flat list. */
  sampleToken(
    index: number,
    sampler: Sampler,
    probabilities: false,
    confidence: false,
    logits: true,
  ): Promise<[token: number, probabilities: undefined, confidence: undefined, logits: number[]]>;
  /** Without these flags, returns only the id. */
  sampleToken(index: number, sampler: Sampler): Promise<number>;
  disposeSequence(sequence: number): void;
  dispose(): Promise<void>;
}
interface Sampler {
  applyConfig(options: { temperature: number }): void;
  dispose(): void;
}

export interface LlamaCpp {
  /** Runs the next token of the sequence. Returns f32 [vocab]. */
  decode(token: number): Promise<Float32Array>;
  /**
   * Runs the tokens from the start of an empty sequence, as one batch. Returns the logits of each
   * position.
   */
  prefill(tokens: readonly number[]): Promise<Float32Array[]>;
  /** Ids of a text without special tokens, from llama.cpp's own tokenizer. */
  tokenize(text: string): number[];
  /** Appends the tokens as one batch. Returns the most likely next one. */
  greedy(tokens: readonly number[]): Promise<number>;
  /** Empties the sequence. */
  reset(): void;
  close(): Promise<void>;
}

/** The folder of the library, or null if there is none for this machine. */
export const llamaCppFolder: string | null = (() => {
  try {
    const entry = createRequire(import.meta.url).resolve('@node-llama-cpp/linux-x64');
    return path.join(path.dirname(entry), '..', 'bins', 'linux-x64');
  } catch {
    return null;
  }
})();

let loaded: Promise<Binding> | null = null;

async function load(): Promise<Binding> {
  if (llamaCppFolder === null) throw new Error('llama.cpp is not installed');
  const binding = createRequire(import.meta.url)(path.join(llamaCppFolder, 'llama-addon.node')) as Binding;
  const errorLevel = 2;
  binding.setLogger((_, message) => process.stderr.write(message));
  binding.setLoggerLogLevel(errorLevel);
  binding.loadBackends(llamaCppFolder);
  await binding.init();
  return binding;
}

/** The precision of the computation. */
export interface Precision {
  readonly threads: number;
  /** Type of the KV cache. */
  readonly kv: 'f32' | 'f16';
  readonly flashAttention: boolean;
}

/**
 * The precision of a reference: nothing is rounded unnecessarily. One thread, since other tests run
 * beside it.
 */
const exact: Precision = { threads: 1, kv: 'f32', flashAttention: false };

/** Opens a GGUF file with room for `context` tokens, which is also the largest batch. */
export async function openLlamaCpp(
  file: string,
  vocab: number,
  context: number,
  { threads, kv, flashAttention }: Precision = exact,
): Promise<LlamaCpp> {
  loaded ??= load();
  const binding = await loaded;
  const model = new binding.AddonModel(file, { gpuLayers: 0, useMmap: true, addonExports: binding });
  if (!(await model.init())) throw new Error(`llama.cpp does not load ${file}`);
  const kvType = { f32: 0, f16: 1 }[kv]; // ggml's numbers
  const run = new binding.AddonContext(model, {
    contextSize: context,
    batchSize: context,
    sequences: 1,
    threads,
    flashAttention,
    kvCacheKeyType: kvType,
    kvCacheValueType: kvType,
  });
  if (!(await run.init())) throw new Error(`llama.cpp has no context for ${file}`);
  const sampler = new binding.AddonSampler(model);
  sampler.applyConfig({ temperature: 0 });

  let position = 0;
  const evaluate = async (tokens: readonly number[]): Promise<Float32Array[]> => {
    run.initBatch(tokens.length);
    const all = Uint32Array.from(tokens.keys());
    const indices = run.addToBatch(0, position, Uint32Array.from(tokens), all);
    position += tokens.length;
    await run.decodeBatch();
    const rows: Float32Array[] = [];
    for (const index of indices) {
      const [, , , pairs] = await run.sampleToken(index, sampler, false, false, true);
      // NaN where llama.cpp returns nothing, so that a missing value never counts as agreement
      const logits = new Float32Array(vocab).fill(Number.NaN);
      for (let i = 0; i < pairs.length; i += 2) logits[pairs[i]!] = pairs[i + 1]!;
      rows.push(logits);
    }
    return rows;
  };
  return {
    decode: async (token) => (await evaluate([token]))[0]!,
    prefill: evaluate,
    tokenize: (text) => [...model.tokenize(text, false)],
    async greedy(tokens) {
      run.initBatch(tokens.length);
      const [last] = run.addToBatch(0, position, Uint32Array.from(tokens), Uint32Array.of(tokens.length - 1));
      position += tokens.length;
      await run.decodeBatch();
      return run.sampleToken(last!, sampler);
    },
    reset() {
      run.disposeSequence(0);
      position = 0;
    },
    async close() {
      sampler.dispose();
      await run.dispose();
      await model.dispose();
    },
  };
}
