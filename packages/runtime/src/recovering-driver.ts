/**
 * A driver that may be lost, and another one that then goes on: the tokens of the sequence are kept, and given to the successor. Whoever
 * generates notices nothing but the time it takes.
 */
import type { Awaitable, Driver } from './driver.ts';
import type { Running } from './face.ts';

export class RecoveringDriver implements Driver {
  #driver: Driver;
  readonly #successor: () => Promise<Driver>;
  readonly tokens: Uint32Array;
  /** Tokens of the sequence so far. */
  #sequence: number[] = [];
  /** How many of them the last step took, and which of those `head` was asked for. */
  #lastCount = 0;
  #row: number | null = null;
  #disposed = false;

  /** `successor` opens the driver that follows a lost one. */
  constructor(driver: Driver, successor: () => Promise<Driver>) {
    this.#driver = driver;
    this.#successor = successor;
    this.tokens = new Uint32Array(driver.tokens.length);
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
    return this.#sequence.length;
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
    for (let i = 0; i < n; i++) {
      this.#sequence.push(this.tokens[i]!);
      tokens[i] = this.tokens[i]!;
    }
    this.#lastCount = n;
    this.#row = row;
  }

  async readLogits(): Promise<Float32Array> {
    return this.#again(() => this.#driver.readLogits());
  }

  best(): Awaitable<number> {
    const best = this.#driver.best();
    return typeof best === 'number'
      ? best
      : this.#again(
          () => best,
          () => this.#driver.best(),
        );
  }

  /** Asks; if that fails, asks the successor. */
  async #again<T>(ask: () => Awaitable<T>, askAgain = ask): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      if (this.#disposed) throw cause;
      this.#driver.dispose();
      this.#driver = await this.#successor();
      await this.#replay();
      return askAgain();
    }
  }

  /** Brings a new driver to where the lost one was. */
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

  keep(): Promise<void> {
    return this.#driver.keep();
  }

  dispose(): void {
    this.#disposed = true;
    this.#driver.dispose();
  }
}
