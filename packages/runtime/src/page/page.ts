/**
 * The model object of a page. A worker holds the model, so the page never waits for computing, and
 * a generation runs ahead of a reader that is busy drawing.
 */

import type * as api from '../api.ts';
import type { PackageAddress } from '../files/folder.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Core } from '../model/core.ts';
import { endably } from '../model/endable.ts';
import type { GenerateCall } from '../model/generate-call.ts';
import type { Source } from '../model/generation.ts';
import { modelOf } from '../model/model-of.ts';
import { loadRanges, readOptions } from '../model/options.ts';
import { knownIds } from '../model/prompt.ts';
import { startWorker } from './start-worker.ts';
import type { Answer, Calls, Failure, News, Step } from './worker-protocol.ts';

/**
 * Loads the package at `address` in a worker of its own, from the first of `scripts` that can be
 * started. The first of `constraintScripts` that can be loaded makes constraints. Errors as for
 * `load` of `model/load.ts`; L436 and L439 if no worker starts.
 */
export async function loadInWorker(
  address: PackageAddress,
  scripts: readonly string[],
  constraintScripts: readonly string[],
  options: api.LoadOptions,
): Promise<api.Model> {
  const loaded = await endably(
    readOptions(options, loadRanges),
    async ({ signal, onProgress, onFallback, ...rest }) => {
      const link = new Link(await startWorker(scripts, signal));
      link.onFallback = onFallback ?? null;
      const abort = () => link.close(signal.reason);
      signal.addEventListener('abort', abort);
      try {
        const { manifest, running } = await link.call(
          'load',
          [address, rest, constraintScripts],
          onProgress && { progress: onProgress },
        );
        link.running = running;
        return core(link, manifest);
      } catch (cause) {
        link.close(cause);
        throw cause;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
  );
  return modelOf(loaded, address.folder);
}

function core(link: Link, manifest: api.Model['manifest']): Core {
  return {
    manifest,
    get running() {
      return link.running!;
    },
    tokenizer: manifest.tokenizer && {
      encode: async (text) => link.call('encode', [text]),
      encodePrompt: async (text) => link.call('encodePrompt', [text]),
      decode: async (ids) => link.call('decode', [ids]),
    },
    sequences: {
      open: async () => link.call('open', []),
      copy: async (of) => link.call('copy', [of]),
      read: async (id, tokens) => link.call('read', [id, tokens]),
      save: async (id, tokens) => link.call('save', [id, tokens]),
      restore: async (id, bytes) => link.call('restore', [id, bytes]),
      close: (id) => link.tell({ id, call: 'close' }),
      generate(id, call) {
        link.check();
        return new Following(link, id, call, manifest);
      },
    },
    count: async (prompt, options) => link.call('count', [prompt, options]),
    logits: async (tokens) => link.call('logits', [tokens]),
    logitsAll: async (tokens, from) => link.call('logitsAll', [tokens, from]),
    dispose: () => link.close(new LamellaError('L411')),
  };
}

type Call = Pick<GenerateCall, 'prompt' | 'options'>;

/** A generation in the worker. Its steps are kept until the reader requests them. */
class Following implements Source {
  readonly #link: Link;
  readonly #sequence: number;
  readonly #call: Call;
  promptTokens: readonly number[];
  finishReason: api.FinishReason | null = null;
  toolCalls: readonly api.ToolCall[] = [];
  stats: api.Stats;

  constructor(link: Link, sequence: number, call: Call, { memory: { plannedBytes } }: api.Model['manifest']) {
    this.#link = link;
    this.#sequence = sequence;
    this.#call = call;
    this.promptTokens = knownIds(call.prompt, call.options);
    const speeds = { prefillTokensPerSecond: 0, decodeTokensPerSecond: 0, timeToFirstTokenMs: 0 };
    this.stats = {
      promptTokens: this.promptTokens.length,
      cachedTokens: 0,
      generatedTokens: 0,
      steps: 0,
      acceptedTokens: 0,
      ...speeds,
      plannedBytes,
      peakBytes: 0,
    };
  }

  async *pieces(signal: AbortSignal): AsyncGenerator<api.Piece, void, undefined> {
    const { prompt, options } = this.#call;
    const told: Step[] = [];
    let wake = () => {};
    const end: { failure?: Error | null } = {};
    const ended = (failure: Error | null) => {
      end.failure = failure;
      wake();
    };
    const step = (step: Step) => {
      told.push(step);
      wake();
    };
    if (signal.aborted) return;
    const listener = { step, value: () => ended(null), failure: ended };
    const id = this.#link.send('generate', [this.#sequence, { prompt, options }], listener);
    signal.addEventListener('abort', () => {
      this.#link.tell({ id, call: 'abort' });
      wake();
    });
    for (let steps = 0; !signal.aborted; ) {
      const next = told.shift();
      if (next) {
        steps++;
        yield* this.#read(next);
      } else if (end.failure) throw end.failure;
      else if (end.failure === null) return;
      else {
        if (steps > 0) this.#link.tell({ id, call: 'more', steps });
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  /** The pieces of a step. The state after the step becomes visible with its last piece. */
  *#read({ pieces, ...state }: Step): Generator<api.Piece, void, undefined> {
    const last = pieces.at(-1);
    yield* pieces.slice(0, -1);
    ({ promptTokens: this.promptTokens, finishReason: this.finishReason } = state);
    ({ toolCalls: this.toolCalls, stats: this.stats } = state);
    if (last) yield last;
  }
}

/** Handles the answers to one request. */
interface Listener {
  value(value: unknown): void;
  failure(error: Error): void;
  step?(step: Step): void;
  progress?(doneBytes: number, totalBytes: number): void;
}

/** The connection to the worker, with a listener for each pending request. */
class Link {
  readonly #worker: Worker;
  readonly #listeners = new Map<number, Listener>();
  #lastId = 0;
  #closed: unknown = null;
  /** The device and kernels of the model, once it is loaded. */
  running: api.Running | null = null;
  onFallback: ((fallback: api.Fallback) => void) | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#receive(data);
    this.#worker.onerror = ({ message }) =>
      this.close(new LamellaError('L437', { reason: message || 'the browser does not say why' }));
  }

  /** Throws the reason if the link is closed. */
  check(): void {
    if (this.#closed) throw this.#closed;
  }

  /** Sends a request and resolves with its answer. */
  call<C extends keyof Calls>(call: C, args: Calls[C][0], also: Pick<Listener, 'progress'> = {}): Promise<Calls[C][1]> {
    return new Promise((resolve, reject) => {
      const value = (value: unknown) => resolve(value as Calls[C][1]);
      this.send(call, args, { ...also, value, failure: reject });
    });
  }

  /**
   * Sends a request; `listener` handles its answers. Returns the request's number. Throws the
   * reason if the link is closed.
   */
  send<C extends keyof Calls>(call: C, args: Calls[C][0], listener: Listener): number {
    this.check();
    const id = ++this.#lastId;
    this.#listeners.set(id, listener);
    this.#worker.postMessage({ id, call, args });
    return id;
  }

  /** Sends a message that has no answer. */
  tell(news: News): void {
    this.#worker.postMessage(news);
  }

  /** Ends the worker and its threads. Every pending and later request fails with `why`. */
  close(why: unknown): void {
    if (this.#closed) return;
    this.#closed = why;
    this.#worker.terminate();
    for (const { failure } of this.#listeners.values()) failure(why as Error);
    this.#listeners.clear();
  }

  #receive(answer: Answer): void {
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
  return 'code' in failure ? LamellaError.from(failure) : new Error(failure.message);
}
