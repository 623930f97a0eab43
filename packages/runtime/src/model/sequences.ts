/**
 * The sequences of a model, by number. One of them is in the driver; the state of every other one
 * is kept in memory that is taken when the sequence is opened, so no later call needs more.
 */
import { LamellaError } from '../lamella-error.ts';
import type { GenerateCall } from './generate-call.ts';
import type { Source } from './generation.ts';
import type { Queue } from './queue.ts';
import { packed, unpacked } from './saved-sequence.ts';
import { OWN, Sequence } from './sequence.ts';
import type { Session } from './session.ts';
import { steadily } from './turn.ts';

/** Requests about sequences. In a page, the worker answers them. */
export interface Sequences {
  /** Opens an empty sequence and returns its number. L446, L447. */
  open(): Promise<number>;
  /** Opens a sequence with the computed tokens of another one. L446, L447. */
  copy(of: number): Promise<number>;
  /** Computes those of `tokens` that the sequence does not have. */
  read(id: number, tokens: readonly number[]): Promise<null>;
  /** The sequence `tokens` as bytes; computes what is missing. */
  save(id: number, tokens: readonly number[]): Promise<Uint8Array<ArrayBuffer>>;
  /** Replaces a sequence by saved bytes and returns its tokens. L448. */
  restore(id: number, bytes: Uint8Array<ArrayBuffer>): Promise<number[]>;
  /** Frees the memory of a sequence. */
  close(id: number): void;
  /** Computes nothing yet. */
  generate(id: number, call: Pick<GenerateCall, 'prompt' | 'options'>): Source;
}

/** The same without `generate`, computed in this thread. */
export class KeptSequences implements Omit<Sequences, 'generate'> {
  readonly #session: Session;
  readonly #queue: Queue;
  /** The most sequences that may be open, the model's own not counted. */
  readonly #most: number;
  readonly #open = new Map<number, Sequence>();
  #lastId = 0;

  /** The sequence in `session` becomes the model's own. */
  constructor(session: Session, queue: Queue, most: number) {
    this.#session = session;
    this.#queue = queue;
    this.#most = most;
    this.#open.set(OWN, session.sequence);
  }

  /** L411 if it was closed. */
  at(id: number): Sequence {
    const sequence = this.#open.get(id);
    if (!sequence) throw new LamellaError('L411');
    return sequence;
  }

  open(): Promise<number> {
    return this.#queue.run(async () => this.#add());
  }

  copy(of: number): Promise<number> {
    return this.#queue.run(async () => {
      await this.#session.use(this.at(of), steadily());
      const state = await this.#session.save();
      const id = this.#add();
      const { ids, length, farthest } = this.at(of);
      await this.#session.replace(this.at(id), ids.subarray(0, length), state, farthest);
      return id;
    });
  }

  read(id: number, tokens: readonly number[]): Promise<null> {
    return this.#queue.run(async () => {
      await this.#read(id, tokens);
      return null;
    });
  }

  async #read(id: number, tokens: readonly number[]): Promise<void> {
    await this.#session.use(this.at(id), steadily());
    await this.#session.read(tokens, steadily());
  }

  save(id: number, tokens: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
    return this.#queue.run(async () => {
      const { manifest, context } = this.#session;
      const sequence = this.at(id);
      if (tokens.length === 0) return packed(manifest, { tokens, farthest: 0, state: null });
      // The last token of a full context has no room, and no keys and values.
      await this.#read(id, tokens.slice(0, context));
      const state = await this.#session.save();
      return packed(manifest, { tokens, farthest: sequence.farthest, state });
    });
  }

  restore(id: number, bytes: Uint8Array<ArrayBuffer>): Promise<number[]> {
    return this.#queue.run(async () => {
      const sequence = this.at(id);
      const { tokens, farthest, state } = await unpacked(this.#session.manifest, bytes);
      await this.#session.replace(sequence, tokens.slice(0, this.#session.context), state, farthest);
      return [...tokens];
    });
  }

  close(id: number): void {
    const sequence = this.#open.get(id);
    if (!sequence) return;
    sequence.isClosed = true;
    this.#open.delete(id);
  }

  #add(): number {
    if (this.#open.size > this.#most) throw new LamellaError('L446', { sessions: this.#most, more: this.#most + 1 });
    const sequence = new Sequence(this.#session.context);
    this.#session.reserve(sequence);
    const id = ++this.#lastId;
    this.#open.set(id, sequence);
    return id;
  }
}
