/**
 * A load as the app may end it: by its signal, which may be one of another realm or of a polyfill, or by a callback of its own that throws. Both become
 * one signal of this engine, so that whatever is under way ends alike in Node and in pages.
 */
import type { LoadOptions } from '../face.ts';

/** The options of a load, its callbacks such as never throw. */
type Endable = LoadOptions & { readonly signal: AbortSignal };

/** Does `work`; rejects with the signal's reason, or with what a callback threw. What a callback throws afterwards is uncaught: nobody waits for it. */
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
