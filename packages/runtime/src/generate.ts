/**
 * Generation: prefill the prompt, then sample, give out, decode, until something ends it. Times count computing only, not what the
 * reader of the pieces does between them.
 */
import { Detokenizer } from './detokenizer.ts';
import type * as face from './face.ts';
import type { Sampler } from './sampler.ts';
import { requireNumber, type Session } from './session.ts';
import { StopStrings } from './stop-strings.ts';
import { Turns } from './turn.ts';

/** What a generation works with. */
export interface Job {
  readonly session: Session;
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
  readonly #turns = new Turns();
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
      const read = await session.prefill(prompt, async () => {
        await this.#turns.due();
        return !signal?.aborted;
      });
      for (const id of prompt) sampler.accept(id);
      this.#prefillMs = performance.now() - start;
      if (read) yield* this.#pieces(start);
      else this.finishReason = 'abort';
    } finally {
      release();
    }
  }

  async *#pieces(start: number): AsyncGenerator<face.Piece, void, undefined> {
    const { session, prompt, sampler, maxTokens, decode, signal } = this.#job;
    const { draw } = sampler;
    const until = Math.min(prompt.length + maxTokens, session.context + 1);
    const detokenizer = decode && new Detokenizer(decode);
    const stops = new StopStrings(this.#job.stop);
    try {
      while (!this.finishReason) {
        const turn = this.#turns.due();
        if (turn) await turn;
        if (signal?.aborted) return;
        const before = performance.now();
        // The last token is decoded only now, when another is wanted.
        const last = this.tokens.at(-1);
        const decoding = last === undefined ? null : session.decode(last);
        if (decoding) await decoding;
        const picked = draw ? session.choose(draw, until) : await this.#sample();
        const token = typeof picked === 'number' ? picked : await picked;
        session.requireChosen(token);
        this.tokens.push(token);
        const after = performance.now();
        if (last === undefined) this.#firstTokenMs = after - start;
        else this.#decodeMs += after - before;
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

  async #sample(): Promise<number> {
    const { session, sampler } = this.#job;
    const { listing } = sampler;
    const few = listing && (await session.candidates(listing));
    const token = (few && sampler.pick(few, session.position)) ?? (await this.#sampleFromAll());
    sampler.accept(token);
    return token;
  }

  async #sampleFromAll(): Promise<number> {
    const { session, sampler } = this.#job;
    const logits = await session.logits();
    const token = sampler.sample(logits, session.position);
    requireNumber(logits[token]!);
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
