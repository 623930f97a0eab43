/**
 * The generation of one `useGeneration`. A new one, another model and the end of the component
 * abort it.
 */
import type { Generation, Result } from '../../api.ts';
import { createStore, type Store } from './store.ts';
import type { Generates, RunningGeneration } from './types.ts';

export function generationStore<G extends Generates>(model: G | null): Store<RunningGeneration<G>> {
  let stop = () => {};
  /** The number of the last call. Earlier calls change nothing any more. */
  let last = 0;

  async function generate(...given: Parameters<G['generate']>): Promise<Result | null> {
    stop();
    const call = ++last;
    const isLast = () => call === last;
    store.tell({ ...nothing, isGenerating: true });
    try {
      if (!model) throw new TypeError('There is no model to generate with. Try waiting until useModel returns it.');
      const generation: Generation = model.generate(...(given as never[]));
      const pieces = generation[Symbol.asyncIterator]();
      // The end of the only reader ends the generation.
      stop = () => void pieces.return?.();
      while (!(await pieces.next()).done)
        if (isLast()) store.tellSoon({ text: generation.text, stats: generation.stats });
      const result = await generation.result();
      const { text, finishReason, stats } = result;
      if (isLast()) store.tell({ isGenerating: false, text, finishReason, stats });
      return result;
    } catch (error) {
      if (isLast()) store.tell({ isGenerating: false, error });
      return null;
    }
  }

  const nothing = { text: '', isGenerating: false, finishReason: null, stats: null, error: null };
  const store: Store<RunningGeneration<G>> = createStore<RunningGeneration<G>>(
    { ...nothing, generate, stop: () => stop() },
    { unused: () => stop() },
  );
  return store;
}
