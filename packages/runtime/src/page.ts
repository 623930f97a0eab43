/**
 * A model in a page: a worker holds it, and what the page has is its face. So the page never waits for computing, and a generation runs ahead
 * of a reader that is busy drawing.
 */
import type * as face from './face.ts';
import type { PackageAddress } from './folder.ts';
import { LamellaError } from './lamella-error.ts';
import { checkGenerate, checkOptions, loadRanges } from './options.ts';
import type { Answer, Calls, Failure, Step } from './worker-protocol.ts';

/** The package at `address`, loaded by a worker of its own. As `load` of `model.ts`. */
export async function loadInWorker(address: PackageAddress, options: face.LoadOptions): Promise<face.Model> {
  checkOptions(options, loadRanges);
  const { signal, onProgress, onFallback, ...rest } = options;
  signal?.throwIfAborted();
  const link = new Link();
  link.onFallback = onFallback ?? null;
  const abort = () => link.close(signal!.reason);
  signal?.addEventListener('abort', abort);
  try {
    const { manifest, running } = await link.call('load', [address, rest], onProgress && { progress: onProgress });
    link.running = running;
    return model(link, address.folder, manifest);
  } catch (cause) {
    link.close(cause);
    throw cause;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function model(link: Link, folder: string, manifest: face.Model['manifest']): face.Model {
  return {
    manifest,
    get running() {
      return link.running!;
    },
    tokenizer: manifest.tokenizer && {
      encode: (text) => link.call('encode', [text]),
      encodePrompt: (text) => link.call('encodePrompt', [text]),
      decode: (ids) => link.call('decode', [ids]),
    },
    generate(prompt, options = {}) {
      link.check();
      checkGenerate(prompt, options, manifest.tokenizer !== null, folder);
      return new Generation(link, prompt, options, manifest.memory.plannedBytes);
    },
    logits: (tokens) => link.call('logits', [tokens]),
    logitsAll: (tokens) => link.call('logitsAll', [tokens]),
    dispose: () => link.close(new LamellaError('L411')),
  };
}

/** Follows a generation of the worker: what it says is kept until the reader comes for it. */
class Generation implements face.Generation {
  readonly #link: Link;
  readonly #prompt: string | readonly number[];
  readonly #options: face.GenerateOptions;
  readonly tokens: number[] = [];
  text = '';
  finishReason: face.FinishReason | null = null;
  promptTokens: readonly number[];
  stats: face.Stats;

  constructor(link: Link, prompt: string | readonly number[], options: face.GenerateOptions, plannedBytes: number) {
    this.#link = link;
    this.#prompt = prompt;
    this.#options = options;
    this.promptTokens = typeof prompt === 'string' ? [] : prompt;
    const speeds = { prefillTokensPerSecond: 0, decodeTokensPerSecond: 0, timeToFirstTokenMs: 0 };
    this.stats = { promptTokens: this.promptTokens.length, generatedTokens: 0, ...speeds, plannedBytes, peakBytes: 0 };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<face.Piece, void, undefined> {
    if (this.finishReason) return;
    const { signal, ...options } = this.#options;
    const queue: News[] = [];
    let wake = () => {};
    let ended: Error | true | null = null;
    const more = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    const end = (how: Error | true) => {
      ended = how;
      wake();
    };
    const step = ({ pieces, ...state }: Step) => {
      const last = pieces.at(-1) ?? null;
      for (const piece of pieces.slice(0, -1)) queue.push({ piece, state: null });
      queue.push({ piece: last, state });
      wake();
    };
    const id = this.#link.send('generate', [this.#prompt, options], { step, value: () => end(true), failure: end });
    const abort = () => this.#link.abort(id);
    signal?.addEventListener('abort', abort);
    try {
      for (;;) {
        // The worker may be ahead: what was not read by then was not generated.
        if (signal?.aborted && !this.finishReason) this.finishReason = 'abort';
        if (this.finishReason === 'abort') return;
        const next = queue.shift();
        if (next) {
          this.#follow(next);
          if (next.piece) yield next.piece;
        } else if (ended === true) return;
        else if (ended) throw ended;
        else await more();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      // Whoever breaks off gets a model that is free again.
      if (!ended) abort();
      while (!ended) await more();
      if (this.tokens.length > 0) this.finishReason ??= 'abort';
    }
  }

  #follow({ piece, state }: News): void {
    if (piece) {
      this.tokens.push(piece.token);
      this.text += piece.text;
    }
    if (state) ({ promptTokens: this.promptTokens, finishReason: this.finishReason, stats: this.stats } = state);
  }
}

/** What the reader gets next: a piece, and with the last of a step how things stand behind it. */
interface News {
  readonly piece: face.Piece | null;
  readonly state: Omit<Step, 'pieces'> | null;
}

/** What is done with the answers to one request. */
interface Listener {
  value(value: unknown): void;
  failure(error: Error): void;
  step?(step: Step): void;
  progress?(doneBytes: number, totalBytes: number): void;
}

/** The worker, and who waits for which answer. */
class Link {
  // Written out in one piece: it is what bundlers look for.
  readonly #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  readonly #listeners = new Map<number, Listener>();
  #lastId = 0;
  #closed: unknown = null;
  /** What the model runs on, once it is loaded. */
  running: face.Running | null = null;
  onFallback: ((fallback: face.Fallback) => void) | null = null;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(data);
    this.#worker.onerror = ({ message }) =>
      this.close(new LamellaError('L407', { file: 'worker.js', reason: message || 'it cannot be loaded' }));
  }

  /** Throws what closed the link. */
  check(): void {
    if (this.#closed) throw this.#closed;
  }

  /** Asks, and resolves with the answer. */
  call<C extends keyof Calls>(call: C, args: Calls[C][0], also: Pick<Listener, 'progress'> = {}): Promise<Calls[C][1]> {
    return new Promise((resolve, reject) => {
      const value = (value: unknown) => resolve(value as Calls[C][1]);
      this.send(call, args, { ...also, value, failure: reject });
    });
  }

  /** Asks; the answers go to `listener`. Returns the request's number. Throws what closed the link. */
  send<C extends keyof Calls>(call: C, args: Calls[C][0], listener: Listener): number {
    this.check();
    const id = ++this.#lastId;
    this.#listeners.set(id, listener);
    this.#worker.postMessage({ id, call, args });
    return id;
  }

  abort(id: number): void {
    this.#worker.postMessage({ id, call: 'abort' });
  }

  /** Ends the worker with its threads; whoever still waits, and whoever asks later, gets `why`. */
  close(why: unknown): void {
    if (this.#closed) return;
    this.#closed = why;
    this.#worker.terminate();
    for (const { failure } of this.#listeners.values()) failure(why as Error);
    this.#listeners.clear();
  }

  #hear(answer: Answer): void {
    if ('fallback' in answer) {
      this.running = answer.fallback.running;
      this.onFallback?.(answer.fallback);
      return;
    }
    const listener = this.#listeners.get(answer.id);
    if (!listener) return;
    if ('step' in answer) listener.step?.(answer.step);
    else if ('progress' in answer) listener.progress?.(...answer.progress);
    else {
      this.#listeners.delete(answer.id);
      if ('value' in answer) listener.value(answer.value);
      else listener.failure(revived(answer.failure));
    }
  }
}

function revived(failure: Failure): Error {
  return 'code' in failure ? new LamellaError(failure.code, failure.args, failure.place) : new Error(failure.message);
}
