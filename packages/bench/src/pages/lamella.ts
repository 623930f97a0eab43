/** One of our packages, as an app in a page uses it: the public API, inference in the package's own worker. */
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
      const watch = stopwatch();
      for await (const _ of model.generate(prompt, { maxTokens: count, eos: [] })) watch.token();
      return watch.generated;
    },
    logits: async (tokens) => [...(await model.logits(tokens))],
  };
}

/** What a package calls its store in the Cache API. */
const STORE = 'lamella';

/** Waits until the package lies in the browser's store: keeping it takes the cores. Then lets go of it: in contexts like this one it lies in memory. */
async function kept({ manifest: { weights } }: Model): Promise<void> {
  const store = await caches.open(STORE);
  while (weights && (await store.keys()).filter(({ url }) => url.includes('/weights-')).length < weights.length)
    await new Promise((resolve) => setTimeout(resolve, 200));
  await caches.delete(STORE);
}
