/**
 * A conversation, as an app holds it in Node and in a page. Its tokens are kept here; the keys and
 * values are kept beside the model (in a page, in the worker), which computes only the tokens that
 * it does not have yet. Both can therefore never disagree: a token that was computed but not read
 * counts for nothing.
 */
import type * as api from '../api.ts';
import { LamellaError } from '../lamella-error.ts';
import { type Core, generationOf } from './core.ts';
import type { Generation } from './generation.ts';
import { readBytes, readIndex, readText, readTokens } from './options.ts';
import { checkCount } from './token-ids.ts';

export class Conversation implements api.Session {
  readonly #core: Core;
  /** The number of its sequence. */
  readonly #id: number;
  readonly #place: string;
  #tokens: readonly number[];
  /** The last generation, whose tokens count as far as they were read. */
  #last: Generation | null = null;
  #disposed = false;
  /** The calls that have not ended, in order; generations are not among them. */
  #calls: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(core: Core, id: number, place: string, tokens: readonly number[] = []) {
    this.#core = core;
    this.#id = id;
    this.#place = place;
    this.#tokens = tokens;
  }

  get tokens(): readonly number[] {
    const last = this.#last;
    // A text prompt has no ids until the generation has started.
    return last && last.promptTokens.length > 0 ? [...last.sequence] : [...this.#tokens];
  }

  generate(...[prompt = this.tokens, options]: Parameters<api.Session['generate']>): api.Generation {
    this.#requireOpen();
    // The prompt is read now, so it would lack what the pending calls change.
    if (this.#pending > 0) throw new LamellaError('L450');
    const generation = generationOf(this.#core, this.#id, [prompt, options], this.#place);
    this.#set(this.tokens);
    this.#last = generation;
    return generation;
  }

  async append(more: string | api.TokenIds): Promise<void> {
    const { manifest, tokenizer, sequences } = this.#core;
    if (typeof more === 'string' && !tokenizer) throw new LamellaError('L406', { path: this.#place });
    const given = typeof more === 'string' ? readText(more) : readTokens(more, manifest);
    await this.#inOrder(async () => {
      const ids = typeof given === 'string' ? await tokenizer!.encode(given) : given;
      const tokens = [...this.tokens, ...ids];
      checkCount(tokens.length, manifest.context);
      await sequences.read(this.#id, tokens);
      this.#set(tokens);
    });
  }

  rewind(position: number): Promise<void> {
    return this.#inOrder(async () => {
      const { tokens } = this;
      this.#set(tokens.slice(0, readIndex('position', position, tokens.length)));
    });
  }

  clone(): Promise<api.Session> {
    return this.#inOrder(async () => {
      const { tokens } = this;
      return new Conversation(this.#core, await this.#core.sequences.copy(this.#id), this.#place, tokens);
    });
  }

  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inOrder(() => this.#core.sequences.save(this.#id, this.tokens));
  }

  async load(bytes: Uint8Array): Promise<void> {
    const own = readBytes(bytes);
    await this.#inOrder(async () => this.#set(await this.#core.sequences.restore(this.#id, own)));
  }

  /** Runs `work` after the calls before it, so that each sees the tokens that they leave. */
  async #inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#requireOpen();
    const before = this.#calls;
    let done = () => {};
    this.#calls = new Promise((resolve) => {
      done = resolve;
    });
    this.#pending++;
    try {
      await before;
      this.#requireOpen();
      return await work();
    } finally {
      this.#pending--;
      done();
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#core.sequences.close(this.#id);
  }

  #set(tokens: readonly number[]): void {
    this.#tokens = tokens;
    this.#last = null;
  }

  #requireOpen(): void {
    if (this.#disposed) throw new LamellaError('L449');
  }
}
