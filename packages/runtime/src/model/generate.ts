/**
 * Generation: prefill the prompt, then repeat sampling, yielding and decoding until it ends. Times
 * include only computing: neither the reader's time between pieces nor other calls.
 */

import type * as api from '../api.ts';
import type { Awaitable } from '../driver/driver.ts';
import { type Logprobs, logprobsOf } from '../sampling/logprobs.ts';
import { type Bias, Sampler } from '../sampling/sampler.ts';
import type { Detokenizer } from '../text/detokenizer.ts';
import { StopStrings } from '../text/stop-strings.ts';
import type { Source } from './generation.ts';
import type { Queue } from './queue.ts';
import type { Sequence } from './sequence.ts';
import { requireNumber, requireNumbers, type Session } from './session.ts';
import { Turns } from './turn.ts';

/** The inputs of a generation. */
export interface Job {
  readonly session: Session;
  /** The sequence to generate in. Throws L411 if it was closed. */
  sequence(): Sequence;
  readonly queue: Queue;
  /**
   * The ids to start from. Called once, when the generation has the model. null if `goOn` returned
   * false meanwhile.
   */
  prompt(goOn: () => Promise<boolean>): Awaitable<readonly number[] | null>;
  readonly sampling: api.SamplingOptions;
  readonly bias: readonly Bias[];
  /** The number of tokens in `top` of each piece; null for pieces without log-probabilities. */
  readonly logprobs: number | null;
  /** Makes a detokenizer for the text after a prompt. If null, the pieces' texts are empty. */
  readonly detokenizer: ((prompt: readonly number[]) => Detokenizer) | null;
  readonly eos: readonly number[];
  readonly maxTokens: number;
  readonly stop: readonly string[];
  /** The beginning of the answer, which the prompt ends with: the first piece has it too. */
  readonly prefix: string;
}

/** The work of one generation. */
export class Run implements Source {
  readonly #job: Job;
  readonly #turns = new Turns();
  readonly #tokens: number[] = [];
  promptTokens: readonly number[];
  finishReason: api.FinishReason | null = null;
  /** Number of prompt tokens that were computed before. */
  #cachedTokens = 0;
  #prefillMs = 0;
  #firstTokenMs = 0;
  #decodeMs = 0;
  /** Of the last token, if they were requested. */
  #logprobs: Logprobs | null = null;

  /** `promptTokens` are the prompt's ids if they are known already, else an empty list. */
  constructor(job: Job, promptTokens: readonly number[]) {
    this.#job = job;
    this.promptTokens = promptTokens;
  }

  get stats(): api.Stats {
    const { session } = this.#job;
    const { length } = this.promptTokens;
    return {
      promptTokens: length,
      cachedTokens: this.#cachedTokens,
      generatedTokens: this.#tokens.length,
      prefillTokensPerSecond: perSecond(length - this.#cachedTokens, this.#prefillMs),
      decodeTokensPerSecond: perSecond(this.#tokens.length - 1, this.#decodeMs),
      timeToFirstTokenMs: this.#firstTokenMs,
      plannedBytes: session.plannedBytes,
      peakBytes: session.peakBytes,
    };
  }

  async *pieces(signal: AbortSignal): AsyncGenerator<api.Piece, void, undefined> {
    const { queue, session, sampling, bias } = this.#job;
    let turn = await queue.enter(signal);
    if (!turn) return;
    try {
      const start = performance.now();
      const goOn = () => this.#goOn(signal);
      const prompt = await this.#job.prompt(goOn);
      if (!prompt) return;
      // A refused prompt leaves no tokens behind.
      session.check(prompt, 0);
      this.promptTokens = prompt;
      if (!(await this.#prefill(goOn))) return;
      const sampler = new Sampler(session.vocab, sampling, bias);
      for (const id of prompt) sampler.accept(id);
      const detokenizer = this.#job.detokenizer?.(prompt) ?? null;
      const stops = new StopStrings(this.#job.stop);
      while (!this.finishReason) {
        if (!(await goOn())) return;
        const token = await this.#next(sampler, start);
        const piece = { token, text: this.#textOf(token, detokenizer, stops), ...this.#logprobs };
        if (this.finishReason) turn.leave();
        else turn.pause();
        yield piece;
        if (this.finishReason || turn.resume()) continue;
        turn = await queue.enter(signal);
        if (!turn || !(await this.#readAgain(goOn))) return;
      }
    } finally {
      turn?.leave();
    }
  }

  /** Lets other tasks run if that is due. Returns false if the generation was aborted. */
  async #goOn(signal: AbortSignal): Promise<boolean> {
    await this.#turns.due();
    return !signal.aborted;
  }

  async #prefill(goOn: () => Promise<boolean>): Promise<boolean> {
    const { session } = this.#job;
    const before = performance.now();
    await session.use(this.#job.sequence(), goOn);
    const kept = await session.read(this.promptTokens, goOn);
    this.#prefillMs = performance.now() - before;
    this.#cachedTokens = kept ?? 0;
    return kept !== null;
  }

  /** Brings the model back to the last token after other calls. */
  async #readAgain(goOn: () => Promise<boolean>): Promise<boolean> {
    const { session } = this.#job;
    await session.use(this.#job.sequence(), goOn);
    return (await session.read([...this.promptTokens, ...this.#tokens.slice(0, -1)], goOn)) !== null;
  }

  /** Computes one more token. `start` is the time when the model began this generation. */
  async #next(sampler: Sampler, start: number): Promise<number> {
    const { session, maxTokens, logprobs } = this.#job;
    const draw = logprobs === null ? sampler.draw : null;
    const until = Math.min(this.promptTokens.length + maxTokens, session.context + 1);
    const before = performance.now();
    // The last token is decoded only here, because the reader now wants another one.
    const last = this.#tokens.at(-1);
    const decoding = last === undefined ? null : session.decode(last);
    if (decoding) await decoding;
    const picked = draw ? session.choose(draw, until) : await this.#sample(sampler);
    const token = typeof picked === 'number' ? picked : await picked;
    session.requireChosen(token);
    this.#tokens.push(token);
    const after = performance.now();
    if (last === undefined) this.#firstTokenMs = after - start;
    else this.#decodeMs += after - before;
    return token;
  }

  async #sample(sampler: Sampler): Promise<number> {
    const { session, logprobs } = this.#job;
    const listing = logprobs === null ? sampler.listing : null;
    const few = listing && (await session.candidates(listing));
    const token = (few && sampler.pick(few, session.position)) ?? (await this.#sampleFromAll(sampler));
    sampler.accept(token);
    return token;
  }

  async #sampleFromAll(sampler: Sampler): Promise<number> {
    const { session, logprobs } = this.#job;
    const logits = await session.logits();
    const token = sampler.sample(logits, session.position);
    requireNumber(logits, token);
    if (logprobs !== null) this.#logprobs = logprobsOf(requireNumbers(logits), token, logprobs);
    return token;
  }

  /**
   * The text that `token`, just generated, completes. Sets `finishReason` if it is the last token.
   */
  #textOf(token: number, detokenizer: Detokenizer | null, stops: StopStrings): string {
    const end = this.#endBehind(token);
    let text = '';
    if (detokenizer) {
      text = stops.push(end === 'eos' ? '' : detokenizer.push(token));
      if (end) text += stops.push(detokenizer.flush()) + stops.flush();
    }
    this.finishReason = stops.stopped ? 'stop' : end;
    return this.#tokens.length === 1 ? this.#job.prefix + text : text;
  }

  /** Why `token`, just generated, is the last one; null if another may follow. */
  #endBehind(token: number): api.FinishReason | null {
    const { eos, maxTokens, session } = this.#job;
    if (eos.includes(token)) return 'eos';
    if (this.#tokens.length >= maxTokens) return 'length';
    return session.position >= session.context ? 'context' : null;
  }
}

function perSecond(count: number, ms: number): number {
  return count > 0 && ms > 0 ? (count * 1000) / ms : 0;
}
