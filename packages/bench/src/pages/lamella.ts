/** One of our packages, as an app in a page uses it: the public API, inference in the package's own worker. */
import type { Model } from '@lamella/runtime/face';
import { type Asked, stopwatch } from '../contender.ts';

interface Package {
  load(url?: string, options?: { device: 'wasm'; threads: number }): Promise<Model>;
}

/** Loads the package at `folder`. */
export async function openLamella(folder: string, threads: number): Promise<Asked> {
  const { load } = (await import(`${folder}index.js`)) as Package;
  const model = await load(undefined, { device: 'wasm', threads });
  return {
    async generate(prompt, count) {
      const watch = stopwatch();
      for await (const _ of model.generate(prompt, { maxTokens: count, eos: [] })) watch.token();
      return watch.generated;
    },
    logits: async (tokens) => [...(await model.logits(tokens))],
  };
}
