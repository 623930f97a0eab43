/**
 * Makes a load abortable. The app may end it by a signal, which can belong to another realm or a
 * polyfill, or by an error thrown in a callback. Both become one native signal, so that pending
 * work ends the same way in Node and in pages.
 */
import type { LoadOptions } from '../api.ts';

/** The options of a load, with callbacks that never throw. */
type Endable = LoadOptions & { readonly signal: AbortSignal };

/**
 * Runs `work`. Rejects with the signal's reason, or with the error of a callback. An error that a
 * callback throws after loading is uncaught, because no promise is left to reject.
 */
export async function endably<Loaded extends { dispose(): void }>(
  given: LoadOptions,
  work: (options: Endable) => Promise<Loaded>,
): Promise<Loaded> {
  const { signal: theirs, onProgress, onFallback } = given;
  const control = new AbortController();
  const { signal } = control;
  let isLoading = true;
  const calling =
    <Args extends unknown[]>(callback: (...args: Args) => void) =>
    (...args: Args): void => {
      if (signal.aborted) return;
      try {
        callback(...args);
      } catch (cause) {
        if (isLoading) control.abort(cause);
        else
          queueMicrotask(() => {
            throw cause;
          });
      }
    };
  const end = () => control.abort(theirs!.reason);
  if (theirs?.aborted) end();
  theirs?.addEventListener('abort', end);
  try {
    signal.throwIfAborted();
    const loaded = await work({
      ...given,
      signal,
      ...(onProgress && { onProgress: calling(onProgress) }),
      ...(onFallback && { onFallback: calling(onFallback) }),
    });
    if (signal.aborted) loaded.dispose();
    signal.throwIfAborted();
    return loaded;
  } catch (cause) {
    throw signal.aborted ? signal.reason : cause;
  } finally {
    isLoading = false;
    theirs?.removeEventListener('abort', end);
  }
}
