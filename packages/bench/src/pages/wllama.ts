/**
 * llama.cpp as WASM: wllama 2.4, the fastest of its versions. Each token is decoded and sampled
 * through its public API.
 */
import { type Asked, stopwatch } from '../contender.ts';

/** The part of its API that is used. */
interface Wllama {
  loadModel(files: readonly Blob[], options: { n_ctx: number; n_batch: number; n_threads: number }): Promise<void>;
  samplingInit(options: { temp: number; top_k: number; samplers_sequence: readonly string[] }): Promise<void>;
  samplingSample(): Promise<{ token: number }>;
  samplingAccept(tokens: readonly number[]): Promise<void>;
  decode(tokens: readonly number[], options: object): Promise<unknown>;
  kvClear(): Promise<void>;
  getLogits(count: number): Promise<readonly { token: number; p: number }[]>;
}
interface Library {
  Wllama: new (paths: Readonly<Record<string, string>>, options: { suppressNativeLog: boolean }) => Wllama;
}

/** Loads a GGUF file with room for `context` tokens. */
export async function openWllama(
  peers: string,
  gguf: string,
  vocab: number,
  context: number,
  threads: number,
): Promise<Asked> {
  const folder = `${peers}@wllama/wllama/esm/`;
  const { Wllama } = (await import(`${folder}index.js`)) as Library;
  const paths = Object.fromEntries(
    ['single-thread', 'multi-thread'].map((kind) => [`${kind}/wllama.wasm`, `${folder}${kind}/wllama.wasm`]),
  );
  const wllama = new Wllama(paths, { suppressNativeLog: true });
  const blob = await (await fetch(gguf)).blob();
  await wllama.loadModel([blob], { n_ctx: context, n_batch: 512, n_threads: threads });
  await wllama.samplingInit({ temp: 0, top_k: 1, samplers_sequence: ['top_k'] });
  return {
    async generate(prompt, count) {
      await wllama.kvClear();
      const watch = stopwatch();
      let next = prompt;
      for (let n = 0; n < count; n++) {
        await wllama.decode(next, {});
        const { token } = await wllama.samplingSample();
        await wllama.samplingAccept([token]);
        next = [token];
        watch.token();
      }
      return watch.generated;
    },
    async logits(tokens) {
      await wllama.kvClear();
      await wllama.decode(tokens, {});
      const logits = new Array<number>(vocab).fill(Number.NaN);
      for (const { token, p } of await wllama.getLogits(vocab)) logits[token] = Math.log(p);
      return logits;
    },
  };
}
