/**
 * llama.cpp as WASM: wllama 3.13, which people install today. Its API completes prompts as
 * llama.cpp's server does, which takes token ids too; each token arrives as a piece of a stream.
 */
import { type Asked, stopwatch } from '../contender.ts';

/** The part of its API that is used. */
interface Wllama {
  loadModel(
    files: readonly Blob[],
    options: {
      n_ctx: number;
      n_batch: number;
      n_threads: number;
      n_parallel: number;
      n_gpu_layers: number;
    },
  ): Promise<void>;
  createCompletion(options: Request & { stream: true }): Promise<AsyncIterable<object>>;
  createCompletion(options: Request & { logprobs: number }): Promise<Answer>;
}
interface Request {
  readonly prompt: readonly number[];
  readonly max_tokens: number;
  readonly temperature: 0;
  readonly top_k: 1;
  readonly ignore_eos: true;
  readonly cache_prompt: false;
}
interface Answer {
  readonly choices: readonly {
    readonly logprobs: {
      readonly content: readonly {
        readonly top_logprobs: readonly { readonly id: number; readonly logprob: number }[];
      }[];
    };
  }[];
}
interface Library {
  Wllama: new (paths: Readonly<Record<string, string>>, options: { suppressNativeLog: boolean }) => Wllama;
}

/** Loads a GGUF file with room for `context` tokens, on the CPU. */
export async function openNewWllama(
  peers: string,
  gguf: string,
  vocab: number,
  context: number,
  threads: number,
): Promise<Asked> {
  const folder = `${peers}wllama-3/esm/`;
  const { Wllama } = (await import(`${folder}index.js`)) as Library;
  const wllama = new Wllama({ default: `${folder}wasm/wllama.wasm` }, { suppressNativeLog: true });
  const blob = await (await fetch(gguf)).blob();
  await wllama.loadModel([blob], {
    n_ctx: context,
    n_batch: 512,
    n_threads: threads,
    n_parallel: 1,
    n_gpu_layers: 0,
  });
  const request = (prompt: readonly number[], max_tokens: number): Request => ({
    prompt,
    max_tokens,
    temperature: 0,
    top_k: 1,
    ignore_eos: true,
    cache_prompt: false,
  });
  return {
    async generate(prompt, count) {
      const watch = stopwatch();
      let tokens = 0;
      for await (const _ of await wllama.createCompletion({ ...request(prompt, count), stream: true }))
        if (tokens++ < count) watch.token();
      return watch.generated;
    },
    async logits(tokens) {
      const answer = await wllama.createCompletion({ ...request(tokens, 1), logprobs: vocab });
      const logits = new Array<number>(vocab).fill(Number.NaN);
      for (const { id, logprob } of answer.choices[0]!.logprobs.content[0]!.top_logprobs) logits[id] = logprob;
      return logits;
    },
  };
}
