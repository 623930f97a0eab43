/**
 * Generation: prefill the prompt, then repeat sampling, yielding and decoding until it ends. Times
 * include only computing: neither the reader's time between pieces nor other calls.
 */

import type * as api from '../api.ts';
import type { Constraint } from '../constraint/constraint.ts';
import type { Awaitable } from '../driver/driver.ts';
import { type Bias, Sampler } from '../sampling/sampler.ts';
import type { Answer } from '../text/answer.ts';
import { Chooser } from './chooser.ts';
import type { Source } from './generation.ts';
import type { Queue } from './queue.ts';
import type { Sequence } from './sequence.ts';
import type { Session } from './session.ts';
import { slid } from './slide.ts';
import { Steps } from './steps.ts';
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
  /** Makes the constraint of the answer. Throws L460, L461. */
  readonly constraint: (() => Promise<Constraint>) | null;
  /**
   * Makes the text of the answer to a prompt; `isWhole` if it does not continue a character. null
   * without a tokenizer: then there is no text.
   */
  readonly answer: (prompt: readonly number[], isWhole: boolean) => Answer | null;
  readonly eos: readonly number[];
  readonly maxTokens: number;
  /** Whether tokens are proposed: always, never, or (undefined) where that was measured to be faster. */
  readonly lookup: boolean | undefined;
  /** Whether the sequence slides when the context is full. Without it, generation ends there. */
  readonly slides: boolean;
}

/** The work of one generation. */
export class Run implements Source {
  readonly #job: Job;
  readonly #turns = new Turns();
  readonly #tokens: number[] = [];
  #steps: Steps | null = null;
  promptTokens: readonly number[];
  finishReason: api.FinishReason | null = null;
  /** Number of prompt tokens that were computed before, and by this generation. */
  #cachedTokens = 0;
  #prefilledTokens = 0;
  #prefillMs = 0;
  #firstTokenMs = 0;
  #decodeMs = 0;
  #answer: Answer | null = null;
  #constraint: Constraint | null = null;
  /** Tokens that must follow. */
  #forced: readonly number[] = [];
  /** The number of the last tokens that are not computed yet. */
  #uncomputed = 0;
  /** What the model's sequence begins with: the prompt; after a slide, the tokens that stayed. */
  #base: readonly number[];
  /** The number of generated tokens before the end of `#base`. */
  #inBase = 0;

  /** `promptTokens` are the prompt's ids if they are known already, else an empty list. */
  constructor(job: Job, promptTokens: readonly number[]) {
    this.#job = job;
    this.promptTokens = promptTokens;
    this.#base = promptTokens;
  }

  get toolCalls(): readonly api.ToolCall[] {
    return this.#answer?.toolCalls ?? [];
  }

  get stats(): api.Stats {
    const { session } = this.#job;
    const { length } = this.promptTokens;
    return {
      promptTokens: length,
      cachedTokens: this.#cachedTokens,
      generatedTokens: this.#tokens.length,
      steps: this.#steps?.count ?? 0,
      acceptedTokens: this.#steps?.acceptedTokens ?? 0,
      prefillTokensPerSecond: perSecond(this.#prefilledTokens, this.#prefillMs),
      decodeTokensPerSecond: perSecond(this.#tokens.length - 1, this.#decodeMs),
      timeToFirstTokenMs: this.#firstTokenMs,
      plannedBytes: session.plannedBytes,
      peakBytes: session.peakBytes,
    };
  }

  async *pieces(signal: AbortSignal): AsyncGenerator<api.Piece, void, undefined> {
    const { queue, session, sampling, bias, logprobs } = this.#job;
    let turn = await queue.enter(signal);
    if (!turn) return;
    try {
      const start = performance.now();
      const goOn = () => this.#goOn(signal);
      const all = await this.#job.prompt(goOn);
      if (!all) return;
      const prompt = this.#job.slides ? slid(all, session.context) : all;
      // A refused prompt leaves no tokens behind.
      session.check(prompt, 0);
      this.promptTokens = all;
      this.#base = prompt;
      this.#constraint = (await this.#job.constraint?.()) ?? null;
      if (!(await this.#prefill(goOn))) return;
      const sampler = new Sampler(session.vocab, sampling, bias);
      for (const id of prompt) sampler.accept(id);
      const chooser = new Chooser(session, sampler, logprobs, this.#constraint);
      this.#force();
      const steps = new Steps(session, prompt, this.#job.lookup);
      this.#steps = steps;
      const answer = this.#job.answer(prompt, this.#constraint !== null);
      this.#answer = answer;
      while (!this.finishReason) {
        if (!(await goOn())) return;
        if (this.#isFull && !(await this.#slide(sampler, goOn))) return;
        const token = await this.#next(chooser, steps, start, goOn);
        if (token === null) return;
        sampler.accept(token);
        const piece = { token, text: this.#textOf(token, answer), ...chooser.logprobs };
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
    const kept = await session.read(this.#base, goOn);
    if (kept === null) return false;
    this.#prefillMs = performance.now() - before;
    this.#cachedTokens = kept;
    this.#prefilledTokens = this.#base.length - kept;
    return true;
  }

  /** Brings the model back to the last token after other calls. */
  async #readAgain(goOn: () => Promise<boolean>): Promise<boolean> {
    const { session } = this.#job;
    await session.use(this.#job.sequence(), goOn);
    return (await session.read([...this.#base, ...this.#computed], goOn)) !== null;
  }

  /** The generated tokens after `#base` that were computed. */
  get #computed(): readonly number[] {
    return this.#tokens.slice(this.#inBase, this.#tokens.length - this.#uncomputed);
  }

  /** Whether tokens must still be computed that have no room, and the sequence can slide. */
  get #isFull(): boolean {
    const { slides, session } = this.#job;
    return slides && this.#length > session.context;
  }

  /**
   * Continues from the tokens that stay, exactly as a generation that they are the prompt of. False
   * if the generation was aborted.
   */
  async #slide(sampler: Sampler, goOn: () => Promise<boolean>): Promise<boolean> {
    const { session } = this.#job;
    const before = performance.now();
    this.#base = slid([...this.#base, ...this.#tokens.slice(this.#inBase)], session.context);
    this.#inBase = this.#tokens.length;
    this.#uncomputed = 0;
    sampler.forget();
    for (const id of this.#base) sampler.accept(id);
    const wasRead = (await session.read(this.#base, goOn)) !== null;
    this.#decodeMs += performance.now() - before;
    return wasRead;
  }

  /** The position at which `maxTokens` are generated. */
  get #end(): number {
    return this.#base.length - this.#inBase + this.#job.maxTokens;
  }

  /** The position from which on no token is generated before a slide. */
  get #until(): number {
    return Math.min(this.#end, this.#job.session.context + 1);
  }

  /**
   * The next token; null if the generation was aborted. `start` is the time when the model began
   * this generation.
   */
  async #next(chooser: Chooser, steps: Steps, start: number, goOn: () => Promise<boolean>): Promise<number | null> {
    const { session } = this.#job;
    const before = performance.now();
    let [token] = this.#forced;
    if (token !== undefined) this.#forced = this.#forced.slice(1);
    else {
      // Tokens are computed only here, because the reader now wants another one.
      const last = this.#tokens.slice(this.#tokens.length - this.#uncomputed);
      if (last.length > 0 && !(await steps.compute(last, this.#until, goOn))) return null;
      this.#uncomputed = 0;
      const picked = chooser.next(this.#until, this.#job.slides ? this.#end : this.#until);
      token = typeof picked === 'number' ? picked : await picked;
      session.requireChosen(token);
    }
    steps.push(token);
    this.#tokens.push(token);
    this.#uncomputed++;
    this.#constraint?.accept(token);
    if (this.#forced.length === 0) this.#force();
    const after = performance.now();
    if (this.#tokens.length === 1) this.#firstTokenMs = after - start;
    else this.#decodeMs += after - before;
    return token;
  }

  /** The length of the sequence, with the tokens that are not computed yet. */
  get #length(): number {
    return this.#base.length + this.#tokens.length - this.#inBase;
  }

  /** Finds the tokens that must follow. Tokens with log-probabilities are always chosen. */
  #force(): void {
    if (!this.#constraint || this.#job.logprobs !== null) return;
    const end = this.#job.slides ? this.#end : this.#until;
    this.#forced = this.#constraint.forced(end - this.#length);
  }

  /**
   * The text that `token`, just generated, completes. Sets `finishReason` if it is the last token.
   */
  #textOf(token: number, answer: Answer | null): string {
    const end = this.#endBehind(token);
    let text = this.#job.eos.includes(token) ? '' : (answer?.push(token) ?? '');
    if (end) text += answer?.flush() ?? '';
    if (answer?.stopped) this.finishReason = 'stop';
    else this.finishReason = end === 'eos' && this.toolCalls.length > 0 ? 'tool_calls' : end;
    return text;
  }

  /** Why `token`, just generated, is the last one; null if another may follow. */
  #endBehind(token: number): api.FinishReason | null {
    const { eos, maxTokens, session, slides } = this.#job;
    const limit = slides || this.promptTokens.length + maxTokens <= session.context + 1 ? 'length' : 'context';
    const wasShortened = this.#constraint?.wasShortened ?? false;
    if (eos.includes(token)) return wasShortened ? limit : 'eos';
    if (eos.length === 0 && this.#constraint?.isOver) return wasShortened ? limit : 'stop';
    return this.#length >= (slides ? this.#end : this.#until) ? limit : null;
  }
}

function perSecond(count: number, ms: number): number {
  return count > 0 && ms > 0 ? (count * 1000) / ms : 0;
}
