/**
 * The object that `generate` returns, in Node and in a page. Every reader, and `result()`, gets all
 * pieces from the first one on; a reader that has read them all requests the next. A piece is
 * computed only after a reader requests it.
 */
import type * as api from '../api.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { GenerateCall } from './generate-call.ts';
import { slid } from './slide.ts';

/** Produces the pieces, and reports the state after the last one produced. */
export interface Source {
  readonly promptTokens: readonly number[];
  /** Why the last piece is the last one; null if more may follow. */
  readonly finishReason: api.FinishReason | null;
  readonly toolCalls: readonly api.ToolCall[];
  readonly stats: api.Stats;
  /** Iterated once. Ends after the last piece, or soon after `signal` is aborted. */
  pieces(signal: AbortSignal): AsyncGenerator<api.Piece, void, undefined>;
}

export class Generation implements api.Generation {
  readonly seed: number;
  readonly tokens: number[] = [];
  text = '';
  finishReason: api.FinishReason | null = null;
  readonly #source: Source;
  /** The context, if the sequence slides in it; else null. */
  readonly #slidesIn: number | null;
  /** The caller's signal. */
  readonly #signal: AbortSignal | null;
  readonly #control = new AbortController();
  readonly #given: api.Piece[] = [];
  #pieces: AsyncIterator<api.Piece> | null = null;
  /** The pending request for the next piece; all readers share it. */
  #asking: Promise<void> | null = null;
  #readers = 0;
  #failure: { readonly cause: unknown } | null = null;

  /** `source` produces what `call` requests. */
  constructor(source: Source, { options: { seed, overflow }, signal }: GenerateCall, { context }: Manifest) {
    this.#slidesIn = overflow === 'slide' ? context : null;
    this.#source = source;
    this.seed = seed;
    this.#signal = signal;
  }

  get promptTokens(): readonly number[] {
    return this.#source.promptTokens;
  }

  get toolCalls(): readonly api.ToolCall[] {
    return this.#source.toolCalls.map((call) => ({ ...call, function: { ...call.function } }));
  }

  /** The tokens that a session continues from: prompt and answer, as far as they were read. */
  get sequence(): readonly number[] {
    const all = [...this.promptTokens, ...this.tokens];
    return this.#slidesIn === null ? all : slid(all, this.#slidesIn);
  }

  get stats(): api.Stats {
    return this.#source.stats;
  }

  async result(): Promise<api.Result> {
    this.#readers++;
    try {
      while (await this.#has(this.#given.length));
    } finally {
      this.#readers--;
    }
    const { text, tokens, finishReason, toolCalls, stats } = this;
    return { text, tokens: [...tokens], finishReason: finishReason!, toolCalls, stats };
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<api.Piece, void, undefined> {
    let at = 0;
    let isReading = false;
    let isDone = false;
    const done = () => {
      if (isReading) this.#readers--;
      isReading = false;
      isDone = true;
      return { done: true, value: undefined } as const;
    };
    const iterator: AsyncIterableIterator<api.Piece, void, undefined> = {
      next: async () => {
        if (isDone) return done();
        if (!isReading) this.#readers++;
        isReading = true;
        const mine = at++;
        try {
          if (await this.#has(mine)) return { done: false, value: { ...this.#given[mine]! } };
        } catch (cause) {
          done();
          throw cause;
        }
        return done();
      },
      return: async () => {
        // Leaving the loop ends the generation like its signal, unless there is another reader.
        const wasReading = isReading;
        const over = done();
        if (wasReading && this.#readers === 0) this.#abort();
        return over;
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * Whether there is a piece at index `at`; requests it if it has not arrived. Throws the error of
   * the generation.
   */
  async #has(at: number): Promise<boolean> {
    while (at >= this.#given.length) {
      if (this.#failure) throw this.#failure.cause;
      if (this.finishReason) return false;
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = null;
      });
      await this.#asking;
    }
    return true;
  }

  async #ask(): Promise<void> {
    try {
      this.#pieces ??= this.#begin();
      const { done, value } = await this.#pieces.next();
      // A piece that arrives after the abort does not count as generated.
      if (done || this.finishReason) return;
      this.#given.push(value);
      this.tokens.push(value.token);
      this.text += value.text;
      this.finishReason = this.#source.finishReason;
    } catch (cause) {
      if (!this.finishReason) this.#failure = { cause };
    }
    if (this.#failure || this.finishReason) this.#signal?.removeEventListener('abort', this.#abort);
  }

  #begin(): AsyncIterator<api.Piece> {
    if (this.#signal?.aborted) this.#abort();
    this.#signal?.addEventListener('abort', this.#abort);
    return this.#source.pieces(this.#control.signal);
  }

  readonly #abort = (): void => {
    this.#signal?.removeEventListener('abort', this.#abort);
    if (this.finishReason || this.#failure) return;
    this.finishReason = 'abort';
    this.#control.abort();
  };
}
