/**
 * The models of `useModel`: one for all components with the same function and equal options. It is
 * loaded for the first of them and disposed of after the last one. StrictMode, and a page that
 * shows another component instead, unsubscribe and subscribe in one task; so the end waits for the
 * next task.
 */
import type { LoadOptions, Model } from '../../api.ts';
import { createStore, type Store } from './store.ts';
import type { LoadingModel, ModelOptions } from './types.ts';

type Load<M extends Model> = (url?: string | URL, options?: LoadOptions) => Promise<M>;
type Shared<M extends Model> = Store<LoadingModel<M>>;

/** The stores by function, then by options. */
const shared = new WeakMap<object, Map<string, unknown>>();

export function sharedModel<M extends Model>(load: Load<M>, options: ModelOptions): Shared<M> {
  const { url, ...rest } = options;
  const key = JSON.stringify([url && String(url), Object.entries(rest).sort()]);
  const stores = shared.get(load) ?? new Map<string, unknown>();
  shared.set(load, stores);
  // All stores of `load` have its type.
  const store = (stores.get(key) as Shared<M> | undefined) ?? modelStore(load, options);
  stores.set(key, store);
  return store;
}

function modelStore<M extends Model>(load: Load<M>, { url, ...options }: ModelOptions): Shared<M> {
  const store: Shared<M> = createStore<LoadingModel<M>>(
    { model: null, progress: 0, error: null, fallback: null, retry },
    {
      used() {
        if (!control) start();
      },
      unused() {
        setTimeout(() => {
          if (!store.isUsed()) end();
        });
      },
    },
  );
  /** Its abort ends the load, and disposes of the model if it is loaded. */
  let control: AbortController | null = null;

  function retry(): void {
    if (store.current().error === null) return;
    end();
    if (store.isUsed()) start();
  }

  function end(): void {
    control?.abort();
    control = null;
    store.tell(store.initial());
  }

  async function start(): Promise<void> {
    control = new AbortController();
    const { signal } = control;
    const onProgress = (done: number, total: number) => {
      if (!signal.aborted && total > 0) store.tellSoon({ progress: done / total });
    };
    const onFallback = (fallback: LoadingModel['fallback']) => {
      if (!signal.aborted) store.tell({ fallback });
    };
    try {
      const model = await load(url, { ...options, signal, onProgress, onFallback });
      if (signal.aborted) return model.dispose();
      signal.addEventListener('abort', () => model.dispose());
      store.tell({ model, progress: 1 });
    } catch (error) {
      if (!signal.aborted) store.tell({ error });
    }
  }

  return store;
}
