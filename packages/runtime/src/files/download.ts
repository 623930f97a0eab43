/**
 * Downloads one file over HTTP, for the connections of phones: an interrupted answer is continued
 * where it ended, a request that fails for a temporary reason is retried twice, and a silent
 * connection is given up. The bytes are not checked here: their SHA-256 is checked later, which
 * also covers parts of two versions joined together.
 */
import { LamellaError } from '../lamella-error.ts';
import type { ReadOptions } from './package-files.ts';
import { answered, isPage, patiently, refusal } from './request.ts';
import { MOST_BYTES, Received } from './response-bytes.ts';
import { isOffline, type Source } from './unanswered.ts';

/** Milliseconds before the second and the third attempt. */
const WAITS = [400, 1600] as const;
/**
 * Milliseconds without a byte after which an attempt fails. For a dispensable file less, and five
 * times that for the whole attempt (`WHOLE`).
 */
const PATIENCE_MS = { usual: 20_000, dispensable: 4000 } as const;
const WHOLE = 5;

/** Temporary causes: another attempt may succeed, and a stored file may be used instead. */
const passing: ReadonlySet<string> = new Set(['L415', 'L421', 'L422', 'L423', 'L424']);

/** Whether a failure may be temporary. */
export function isPassing(cause: unknown): boolean {
  return cause instanceof LamellaError && passing.has(cause.code);
}

/**
 * Downloads the file. L415 to L424 by the cause of a failure; rejects with the signal's reason when
 * aborted.
 */
export async function download(
  source: Source,
  options: ReadOptions = {},
  patienceMs: number = PATIENCE_MS[options.dispensable ? 'dispensable' : 'usual'],
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, dispensable = false } = options;
  const next = attempts(source, options);
  for (const wait of dispensable ? [null] : [...WAITS, null]) {
    try {
      return await patiently({ patienceMs, wholeMs: dispensable ? WHOLE * patienceMs : null }, signal, next, source);
    } catch (cause) {
      signal?.throwIfAborted();
      if (wait === null || !isPassing(cause)) throw cause;
      await pause(wait, signal);
    }
  }
  throw new Error('the last attempt neither returned nor threw');
}

/**
 * Makes attempts at one file; each continues where the one before ended. `alive` is called for
 * every answer and piece.
 */
function attempts(source: Source, { bytes: expected, afresh, onBytes }: ReadOptions) {
  const { file, url, place } = source;
  const received = new Received(expected);
  /** The ETag of the version that has begun to arrive. */
  let tag: string | null = null;
  const damaged = (reason: string) => new LamellaError('L407', { file, reason }, place);
  const cut = () =>
    isOffline()
      ? new LamellaError('L415', { file }, place)
      : new LamellaError('L422', { file, bytes: received.length }, place);

  return async (signal: AbortSignal, alive: () => void): Promise<Uint8Array<ArrayBuffer>> => {
    const from = received.length;
    const headers = { range: `bytes=${from}-`, ...(tag === null ? {} : { 'if-range': tag }) };
    // The server is always asked, even if a cache has the file: after compiling again, the same
    // name holds other bytes.
    const request: RequestInit = from > 0 ? { headers, cache: 'no-store' } : { cache: afresh ? 'reload' : 'no-cache' };
    const response = await answered(source, { ...request, signal });
    alive();
    const { status } = response;
    const start = status === 206 ? (startOf(response) ?? from) : 0;
    if (from === 0 && start > 0) throw damaged(`the server sends only the bytes from byte ${start} on`);
    if (start !== from || status === 416) received.restart();
    if (status === 416 || start > received.length) throw cut();
    if (!response.ok) throw refusal(source, status);
    if (start === 0) tag = tagOf(response);
    try {
      await received.append(response, (bytes) => {
        alive();
        onBytes?.(bytes);
      });
    } catch (cause) {
      throw signal.aborted ? cause : cut();
    }
    if (expected === undefined && received.length > MOST_BYTES) throw damaged(`it has more than ${MOST_BYTES} bytes`);
    if (isPage(response, received.soFar)) throw new LamellaError('L418', { file, url }, place);
    // An answer that is complete but too short is another file; checking its SHA-256 will report
    // that.
    const isWhole = Number(response.headers.get('content-length')) === received.length - start;
    if (expected !== undefined && received.length < expected && !isWhole) throw cut();
    return received.take();
  };
}

/** Resolves after `ms`; rejects at once when aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Where the part begins; null if the server does not let a page of another origin read that header.
 */
function startOf({ headers }: Response): number | null {
  const start = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
  return start === undefined ? null : Number(start);
}

/**
 * The strong ETag for `If-Range`. null if there is none, or if sending it to another origin would
 * need a CORS permission.
 */
function tagOf({ headers, type }: Response): string | null {
  const tag = type === 'cors' ? null : headers.get('etag');
  return tag?.startsWith('"') ? tag : null;
}

/**
 * Whether the server answered with a web page. The file may still exist: a server may be starting,
 * or a service worker may have answered.
 */
export function isWebPage(cause: unknown): boolean {
  return cause instanceof LamellaError && cause.code === 'L418';
}
