/**
 * Runs llama.cpp in a separate process, which answers `Request` messages. It uses llama.cpp's
 * defaults for speed: keys and values in f16, flash attention.
 */
import { type Asked, stopwatch } from '../contender.ts';
import { openLlamaCpp } from './binding.ts';

export type Request =
  | {
      readonly kind: 'open';
      readonly gguf: string;
      readonly vocab: number;
      readonly context: number;
      readonly threads: number;
    }
  | { readonly kind: 'generate'; readonly prompt: readonly number[]; readonly count: number }
  | { readonly kind: 'logits'; readonly tokens: readonly number[] };

let contender: Asked;

process.on('message', async (request: Request) => {
  process.send!((await answer(request)) ?? null);
});

async function answer(request: Request): Promise<object | undefined> {
  switch (request.kind) {
    case 'open':
      contender = await open(request);
      return;
    case 'generate':
      return contender.generate(request.prompt, request.count);
    case 'logits':
      return contender.logits(request.tokens);
  }
}

async function open({ gguf, vocab, context, threads }: Request & { kind: 'open' }): Promise<Asked> {
  const llama = await openLlamaCpp(gguf, vocab, context, { threads, kv: 'f16', flashAttention: true });
  return {
    async generate(prompt, count) {
      llama.reset();
      const watch = stopwatch();
      let next = prompt;
      for (let n = 0; n < count; n++) {
        next = [await llama.greedy(next)];
        watch.token();
      }
      return watch.generated;
    },
    async logits(tokens) {
      llama.reset();
      return [...(await llama.prefill(tokens)).at(-1)!];
    },
  };
}
