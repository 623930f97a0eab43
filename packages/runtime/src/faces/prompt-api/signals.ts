/**
 * Several abort signals as one. `AbortSignal.any` is missing in browsers that this face is for, and
 * the joined signal must leave no listener on a session that lives for many calls.
 */
export interface Joined {
  readonly signal: AbortSignal;
  /** Removes the listeners. */
  readonly end: () => void;
}

export function joined(signals: readonly (AbortSignal | undefined)[]): Joined {
  const control = new AbortController();
  const { signal } = control;
  for (const one of signals) {
    if (one?.aborted) control.abort(one.reason);
    one?.addEventListener('abort', () => control.abort(one.reason), { signal });
  }
  return { signal, end: () => control.abort() };
}

/** Settles like `promise`, but rejects as soon as `signal` is aborted. */
export function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject);
  });
}
