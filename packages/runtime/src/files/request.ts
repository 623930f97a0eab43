/**
 * One request of a file over HTTP, and why it failed. `download.ts` repeats and continues requests;
 * a page, which reads no files itself, makes one to learn why a script did not load.
 */
import { LamellaError } from '../lamella-error.ts';
import { isOffline, type Source, watchForCause } from './unanswered.ts';

/** Resolves if the server returns the whole file. L415 to L424 by the cause of a failure. */
export async function requireThere(source: Source, signal: AbortSignal | undefined, patienceMs: number): Promise<void> {
  const { file, url, place } = source;
  await patiently(
    { patienceMs, wholeMs: null },
    signal,
    async (signal, alive) => {
      const response = await answered(source, { cache: 'no-cache', signal });
      alive();
      if (!response.ok) throw refusal(source, response.status);
      const bytes = await response.arrayBuffer().catch((cause) => {
        if (signal.aborted) throw cause;
        throw isOffline()
          ? new LamellaError('L415', { file }, place)
          : new LamellaError('L422', { file, bytes: 0 }, place);
      });
      if (isPage(response, new Uint8Array(bytes))) throw new LamellaError('L418', { file, url }, place);
    },
    source,
  );
}

/** Any answer of the server; throws a `LamellaError` if there is none. */
export async function answered(
  source: Source,
  request: RequestInit & { readonly signal: AbortSignal },
): Promise<Response> {
  const watch = watchForCause(source);
  try {
    return await fetch(source.url, request);
  } catch (cause) {
    throw request.signal.aborted ? cause : await watch.cause(cause, request.signal);
  } finally {
    watch.end();
  }
}

/**
 * Runs `work` until it is done, is aborted, has received nothing for `patienceMs`, or has taken
 * more than `wholeMs`.
 */
export async function patiently<T>(
  { patienceMs, wholeMs }: { readonly patienceMs: number; readonly wholeMs: number | null },
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal, alive: () => void) => Promise<T>,
  { file, place }: Source,
): Promise<T> {
  const control = new AbortController();
  const stop = () => control.abort();
  const stalled = new LamellaError('L423', { file, seconds: patienceMs / 1000 }, place);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const whole = wholeMs === null ? undefined : setTimeout(() => control.abort(stalled), wholeMs);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(stalled), patienceMs);
  };
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', stop);
    alive();
    return await work(control.signal, alive);
  } catch (cause) {
    throw control.signal.reason === stalled ? stalled : cause;
  } finally {
    clearTimeout(timer);
    clearTimeout(whole);
    signal?.removeEventListener('abort', stop);
  }
}

/** The error for a status other than success. */
export function refusal({ file, url, place }: Source, status: number): LamellaError {
  if (status === 404 || status === 410) return new LamellaError('L419', { file, url, status }, place);
  // A 304 for a request without a version is a fault of a cache.
  if (status === 304 || status === 429 || status >= 500) return new LamellaError('L421', { file, status }, place);
  return new LamellaError('L420', { file, url, status }, place);
}

/** Whether the server answered with a page of its own, as app servers do for unknown addresses. */
export function isPage(response: Response, bytes: Uint8Array): boolean {
  if (!isOfPages(response)) return false;
  return /^\s*<(!doctype html|html|head|!--|\?xml)/i.test(new TextDecoder().decode(bytes.subarray(0, 1000)));
}

/** Whether an answer has the content type of web pages, which no file of a package has. */
export function isOfPages({ headers }: Response): boolean {
  return /^(text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '');
}
