/**
 * Generation: prefill the prompt, then sample, give out, decode, until something ends it. Times count computing only, not what the
 * reader of the pieces does between them.
 */
import { Detokenizer } from './detokenizer.ts';
import type * as face from './face.ts';
import type { Sampler } from './sampler.ts';
import { StopStrings } from './stop-strings.ts';

/** How long computing may go on before timers, signals and input get a turn: often enough to abort, too rare to cost speed. */
const TURN_MS = 100;

/** What a generation works with. */
export interface Job {
  readonly session: face.Session;
  readonly prompt: readonly number[];
  readonly sampler: Sampler;
  /** Ids to text; null leaves the pieces' texts empty. */
  readonly decode: ((ids: readonly number[]) => string) | null;
  readonly eos: readonly number[];
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly signal: AbortSignal | null;
  /** Called when iteration starts; claims the session or throws. Returns what gives it back. */
  claim(): () => void;
}

export class Generation implements face.Generation {
  readonly #job: Job;
  readonly tokens: number[] = [];
  text = '';
  finishReason: face.FinishReason | null = null;
  #prefillMs = 0;
  #firstTokenMs = 0;
  #decodeMs = 0;

  constructor(job: Job) {
    this.#job = job;
  }

  get promptTokens(): readonly number[] {
    return this.#job.prompt;
  }

  get stats(): face.Stats {
    const { session, prompt } = this.#job;
    return {
      promptTokens: prompt.length,
      generatedTokens: this.tokens.length,
      prefillTokensPerSecond: perSecond(prompt.length, this.#prefillMs),
      decodeTokensPerSecond: perSecond(this.tokens.length - 1, this.#decodeMs),
      timeToFirstTokenMs: this.#firstTokenMs,
      plannedBytes: session.plannedBytes,
      peakBytes: session.peakBytes,
    };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<face.Piece, void, undefined> {
    if (this.finishReason) return;
    const { session, prompt, sampler, signal } = this.#job;
    const release = this.#job.claim();
    try {
      const start = performance.now();
      session.reset();
      if (!signal?.aborted) session.prefill(prompt);
      for (const id of prompt) sampler.accept(id);
      this.#prefillMs = performance.now() - start;
      yield* this.#pieces(start);
    } finally {
      release();
    }
  }

  async *#pieces(start: number): AsyncGenerator<face.Piece, void, undefined> {
    const { decode, signal } = this.#job;
    const detokenizer = decode && new Detokenizer(decode);
    const stops = new StopStrings(this.#job.stop);
    let turn = start;
    try {
      while (!this.finishReason) {
        if (performance.now() - turn > TURN_MS) {
          await new Promise((resolve) => setTimeout(resolve));
          turn = performance.now();
        }
        if (signal?.aborted) return;
        const token = this.#next(start);
        let end = this.#endBehind(token);
        let text = '';
        if (detokenizer) {
          text = stops.push(end === 'eos' ? '' : detokenizer.push(token));
          if (end) text += stops.push(detokenizer.flush()) + stops.flush();
          if (stops.stopped) end = 'stop';
        }
        this.text += text;
        this.finishReason = end;
        yield { token, text };
      }
    } finally {
      // A reader that breaks off has ended the generation just as a signal does.
      this.finishReason ??= 'abort';
    }
  }

  /** The next token; the last one is decoded only now, when another is wanted. */
  #next(start: number): number {
    const { session, sampler } = this.#job;
    const before = performance.now();
    const last = this.tokens.at(-1);
    if (last !== undefined) session.decode(last);
    const token = sampler.sample(session.logits);
    sampler.accept(token);
    this.tokens.push(token);
    const after = performance.now();
    if (last === undefined) this.#firstTokenMs = after - start;
    else this.#decodeMs += after - before;
    return token;
  }

  /** Why `token`, just generated, is the last one; null when another may follow. */
  #endBehind(token: number): face.FinishReason | null {
    const { eos, maxTokens, session } = this.#job;
    if (eos.includes(token)) return 'eos';
    if (this.tokens.length >= maxTokens) return 'length';
    return session.position >= session.context ? 'context' : null;
  }
}

function perSecond(count: number, ms: number): number {
  return count > 0 && ms > 0 ? (count * 1000) / ms : 0;
}
