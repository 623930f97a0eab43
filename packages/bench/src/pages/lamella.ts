/**
 * One of our packages, used as by an app in a page: the public API, with inference in the package's
 * own worker.
 */
import type { Model } from '@lamella/runtime/api';
import { type Asked, stopwatch } from '../contender.ts';

interface Package {
  load(url?: string, options?: { device: 'wasm'; threads: number }): Promise<Model>;
}

/** Loads the package at `folder`. */
export async function openLamella(folder: string, threads: number): Promise<Asked> {
  const { load } = (await import(`${folder}index.js`)) as Package;
  const model = await load(undefined, { device: 'wasm', threads });
  await kept(model);
  return {
    async generate(prompt, count) {
      // Another first token: otherwise the model would not compute again what the last prompt had.
      await model.logits([prompt[0] === 0 ? 1 : 0]);
      const watch = stopwatch();
      // Models with random weights repeat themselves, which lookup would make faster.
      const options = { maxTokens: count, eos: [], lookup: false };
      for await (const _ of model.generate(prompt, options)) watch.token();
      return watch.generated;
    },
    logits: async (tokens) => [...(await model.logits(tokens))],
  };
}

/** The name of a package's store in the Cache API. */
const STORE = 'lamella';

/**
 * Waits until the package is stored, because storing it uses the cores. Then deletes the store,
 * which such a context keeps in memory.
 */
async function kept({ manifest: { weights } }: Model): Promise<void> {
  const store = await caches.open(STORE);
  while (weights && (await store.keys()).filter(({ url }) => url.includes('/weights-')).length < weights.length)
    await new Promise((resolve) => setTimeout(resolve, 200));
  await caches.delete(STORE);
}
