/**
 * A driver that survives the loss of its device: it keeps the tokens of the sequence and replays
 * them on the next driver. The generation continues; it sees only a delay and the reported
 * fallback.
 */

import type { Running } from '../api.ts';
import type { Draw } from '../sampling/noise.ts';
import type { Attempts, Opened } from './attempts.ts';
import type { Awaitable, Candidates, Driver, Listing, SavedState } from './driver.ts';

export class RecoveringDriver implements Driver {
  #opened: Opened;
  readonly #attempts: Attempts;
  readonly tokens: Uint32Array;
  /** Tokens of the sequence so far, and those of the last step that a `head` call went back from. */
  #sequence: number[] = [];
  /** The number of tokens in the last step, and the row of the last `head` call. */
  #lastCount = 0;
  #row: number | null = null;
  /**
   * Whether the current driver has answered. One that is lost before its first answer is not opened
   * again.
   */
  #hasAnswered = true;
  #disposed = false;

  /** `opened` comes from `attempts`. */
  constructor(opened: Opened, attempts: Attempts) {
    this.#opened = opened;
    this.#attempts = attempts;
    this.tokens = new Uint32Array(opened.driver.tokens.length);
  }

  get #driver(): Driver {
    return this.#opened.driver;
  }

  get running(): Running {
    return this.#driver.running;
  }

  get plannedBytes(): number {
    return this.#driver.plannedBytes;
  }

  get peakBytes(): number {
    return this.#driver.peakBytes;
  }

  get position(): number {
    const { length } = this.#sequence;
    return this.#row === null ? length : length - this.#lastCount + this.#row + 1;
  }

  set position(position: number) {
    this.#sequence.length = position;
    this.#lastCount = 0;
    this.#row = null;
    this.#driver.position = position;
  }

  prefill(n: number): Awaitable<void> {
    this.#append(n, null);
    return this.#driver.prefill(n);
  }

  head(row: number): Awaitable<void> {
    this.#row = row;
    return this.#driver.head(row);
  }

  decode(): Awaitable<void> {
    this.#append(1, 0);
    return this.#driver.decode();
  }

  #append(n: number, row: number | null): void {
    const { tokens } = this.#driver;
    this.#sequence.length = this.position;
    for (let i = 0; i < n; i++) {
      this.#sequence.push(this.tokens[i]!);
      tokens[i] = this.tokens[i]!;
    }
    this.#lastCount = n;
    this.#row = row;
  }

  readLogits(): Promise<Float32Array> {
    return this.#answer(this.#driver.readLogits(), () => this.#driver.readLogits());
  }

  choose(draw: Draw, until: number): Awaitable<number> {
    const chosen = this.#driver.choose(draw, until);
    return typeof chosen === 'number' ? chosen : this.#answer(chosen, () => this.#driver.choose(draw, until));
  }

  candidates(listing: Listing): Promise<Candidates | null> | null {
    const listed = this.#driver.candidates?.(listing);
    // The next driver may have none: all its logits are in memory.
    return listed ? this.#answer<Candidates | null>(listed, () => this.#driver.candidates?.(listing) ?? null) : null;
  }

  get stateLayout(): string {
    return this.#driver.stateLayout;
  }

  get stateBytes(): number {
    return this.#driver.stateBytes;
  }

  saveState(reuse: SavedState | null): Promise<SavedState> {
    return this.#answer(this.#driver.saveState(reuse), () => this.#driver.saveState(reuse));
  }

  restoreState(saved: SavedState, ids: Uint32Array): Awaitable<void> {
    this.#sequence = [...ids];
    this.#lastCount = 0;
    this.#row = null;
    return this.#driver.restoreState(saved, ids);
  }

  /** The awaited answer; if it fails, the answer of `again` on the next driver. */
  async #answer<T>(asked: Awaitable<T>, again: () => Awaitable<T>): Promise<T> {
    for (let asking = async () => asked; ; asking = async () => this.#replay().then(again)) {
      try {
        const answer = await asking();
        this.#hasAnswered = true;
        return answer;
      } catch (cause) {
        if (this.#disposed || this.#attempts.isLast(this.#opened.index)) throw cause;
        await this.#replace(cause);
      }
    }
  }

  async #replace(cause: unknown): Promise<void> {
    const { index, driver } = this.#opened;
    driver.dispose();
    const lost = this.#attempts.failure(index, 'lost', `the device was lost (${String(cause)})`);
    this.#opened = await this.#attempts.open(this.#hasAnswered ? index : index + 1, [lost]);
    this.#hasAnswered = false;
  }

  /** Brings a new driver to the position of the lost one. */
  async #replay(): Promise<void> {
    const driver = this.#driver;
    const tile = driver.tokens.length;
    const whole = this.#sequence.length - this.#lastCount;
    driver.position = 0;
    const run = async (from: number, count: number) => {
      for (let i = 0; i < count; i++) driver.tokens[i] = this.#sequence[from + i]!;
      await driver.prefill(count);
    };
    for (let from = 0; from < whole; from += tile) await run(from, Math.min(tile, whole - from));
    if (this.#lastCount > 0) await run(whole, this.#lastCount);
    if (this.#row !== null) await driver.head(this.#row);
  }

  dispose(): void {
    this.#disposed = true;
    this.#driver.dispose();
  }
}
