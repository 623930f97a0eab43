/**
 * The model in the page: the chosen one, the progress of loading it, and the loaded model. There is
 * one at a time.
 */
import { computed, signal } from '@preact/signals';
import { load, type Model } from '../package/index.js';
import { nextFrame } from './next-frame.ts';
import { addressOf, type Settings, settingsOf } from './settings.ts';

export type Loading =
  | { readonly kind: 'loading'; readonly doneBytes: number; readonly totalBytes: number | null }
  | { readonly kind: 'ready'; readonly model: Model }
  | { readonly kind: 'failed'; readonly error: Error };

export const settings = signal<Settings>(settingsOf(location.href));
export const loading = signal<Loading>({ kind: 'loading', doneBytes: 0, totalBytes: null });
/** Whether it is the package that came with the page. */
export const isOwn = computed(() => settings.value.package === null);

let control = new AbortController();
let loaded: Promise<Model>;

/** Resolves with the model once it is loaded; rejects with the error of loading. */
export const whenReady = (): Promise<Model> => loaded;

/**
 * Replaces the current model by the chosen one. Loading starts when the page is drawn and no longer
 * needs the processor.
 */
export function open(chosen: Settings, drawn = nextFrame()): void {
  control.abort(new DOMException('another model was chosen', 'AbortError'));
  control = new AbortController();
  if (loading.value.kind === 'ready') loading.value.model.dispose();
  settings.value = chosen;
  history.replaceState(null, '', addressOf(chosen, location.href));
  loading.value = { kind: 'loading', doneBytes: 0, totalBytes: null };
  loaded = start(chosen, drawn, control.signal);
  loaded.catch(() => {});
}

async function start(chosen: Settings, drawn: Promise<void>, signal: AbortSignal): Promise<Model> {
  // Reports any failure, including an invalid package address.
  const tell = (now: Loading) => {
    if (!signal.aborted) loading.value = now;
  };
  try {
    await drawn;
    signal.throwIfAborted();
    const address = chosen.package === null ? undefined : new URL(chosen.package, document.baseURI);
    const model = await load(address, {
      device: chosen.device,
      ...(chosen.threads !== null && { threads: chosen.threads }),
      signal,
      // The model has moved to another device; updating the signal redraws the page.
      onFallback: () => loading.value.kind === 'ready' && tell({ ...loading.value }),
      onProgress: (doneBytes, totalBytes) => tell({ kind: 'loading', doneBytes, totalBytes }),
    });
    tell({ kind: 'ready', model });
    return model;
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    tell({ kind: 'failed', error });
    throw error;
  }
}
