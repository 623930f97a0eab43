/**
 * A session: one sequence of tokens in a loaded model. It cuts prompts into tiles and refuses bad
 * input **before** any change, so a refused call leaves the session as it was.
 */
import type { Awaitable, Candidates, Driver, Listing } from '../driver/driver.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Draw } from '../sampling/noise.ts';
import { checkCount, checkedId } from './token-ids.ts';

/** A GPU writes at most two chunks of eight tokens that nobody has asked for yet. */
const RUN_AHEAD = 16;

export class Session {
  readonly #loaded: Driver;
  #disposed = false;
  readonly #tile: number;
  /** The most tokens that can be taken back; windows keep no more than they need. */
  readonly #mostTakenBack: number;
  /**
   * The largest position of this sequence: what lies behind it has overwritten what lies a ring
   * before.
   */
  #farthest = 0;
  readonly vocab: number;
  readonly context: number;

  constructor(manifest: Manifest, driver: Driver) {
    this.#loaded = driver;
    this.#tile = manifest.tile;
    const rings = (manifest.rings ?? []).filter((ring) => ring !== null);
    this.#mostTakenBack = Math.min(...rings.map(({ positions, window }) => positions - window - RUN_AHEAD));
    this.vocab = manifest.vocab;
    this.context = manifest.context;
  }

  /** L411 after disposal, because the threads would never answer. */
  get #driver(): Driver {
    if (this.#disposed) throw new LamellaError('L411');
    return this.#loaded;
  }

  /** Number of tokens so far. */
  get position(): number {
    return this.#driver.position;
  }

  /** Planned bytes of the driver. */
  get plannedBytes(): number {
    return this.#loaded.plannedBytes;
  }

  /** Bytes of the memory in use, measured. */
  get peakBytes(): number {
    return this.#loaded.peakBytes;
  }

  /** f32 [vocab]: the logits after the last token. The next call overwrites them. */
  logits(): Awaitable<Float32Array> {
    return this.#driver.readLogits();
  }

  /**
   * The token that follows the last one by `draw`. No token from position `until` on will be
   * requested.
   */
  choose(draw: Draw, until: number): Awaitable<number> {
    return this.#driver.choose(draw, until);
  }

  /**
   * L429 if `token` was chosen although its logit is not finite. It tests only what is available
   * without a readback: the logits in memory, or the token id. A GPU chooses an id at or above the
   * vocabulary size if no logit is above its floor.
   */
  requireChosen(token: number): void {
    if (token >= this.vocab) throw new LamellaError('L429', { token: 'every token', value: 'NaN' });
    if (this.#driver.logits) requireNumber(this.#driver.logits, token);
  }

  /** Candidates for the next token; null if reading all logits is as fast. */
  candidates(listing: Listing): Promise<Candidates | null> | null {
    return this.#driver.candidates?.(listing) ?? null;
  }

  /**
   * Appends tokens; the last one's logits can then be read. L401 for none, L402 for an id outside
   * the vocabulary, L403 if they do not fit the context. `goOn` is called before each tile; if it
   * returns false, prefill stops there without logits and returns false.
   */
  async prefill(tokens: readonly number[], goOn: () => Awaitable<boolean> = () => true): Promise<boolean> {
    this.#check(tokens);
    let last = 0;
    for (let from = 0; from < tokens.length; from += this.#tile) {
      if (!(await goOn())) return false;
      last = (await this.#runTile(tokens, from)) - 1;
    }
    await this.#driver.head(last);
    return true;
  }

  /** Like `prefill`, but returns a copy of the logits, f32 [vocab], of every token. */
  async prefillAll(tokens: readonly number[], goOn: () => Awaitable<unknown> = () => {}): Promise<Float32Array[]> {
    this.#check(tokens);
    const all: Float32Array[] = [];
    for (let from = 0; from < tokens.length; from += this.#tile) {
      await goOn();
      const count = await this.#runTile(tokens, from);
      for (let row = 0; row < count; row++) {
        await this.#driver.head(row);
        all.push((await this.logits()).slice());
      }
    }
    return all;
  }

  /** Appends one token. Allocates nothing if the driver is synchronous. L402, L403. */
  decode(token: number): Awaitable<void> {
    checkedId(token, this.vocab);
    checkCount(this.position + 1, this.context);
    this.#driver.tokens[0] = token;
    return this.#driver.decode();
  }

  /** Disposes of the driver; every later step fails with L411. */
  dispose(): void {
    this.#disposed = true;
    this.#loaded.dispose();
  }

  /** Returns to an empty sequence. */
  reset(): void {
    this.rewind(0);
  }

  /**
   * Returns to the first `position` tokens. L408 for more than there are, L445 if a sliding window
   * no longer has what the next token would see.
   */
  rewind(position: number): void {
    const driver = this.#driver;
    this.#farthest = Math.max(this.#farthest, driver.position);
    if (!Number.isInteger(position) || position < 0 || position > driver.position) {
      const range = `a whole number from 0 to ${driver.position}`;
      const remedy = 'the number of tokens to keep';
      throw new LamellaError('L408', { option: 'position', range, value: position, remedy });
    }
    const back = this.#farthest - position;
    if (position > 0 && back > this.#mostTakenBack) {
      throw new LamellaError('L445', { position, most: this.#mostTakenBack, farthest: this.#farthest });
    }
    if (position === 0) this.#farthest = 0;
    driver.position = position;
  }

  /** Runs the tile that starts at tokens[from]; returns its number of tokens. */
  async #runTile(tokens: readonly number[], from: number): Promise<number> {
    const count = Math.min(this.#tile, tokens.length - from);
    for (let i = 0; i < count; i++) this.#driver.tokens[i] = tokens[from + i]!;
    await this.#driver.prefill(count);
    return count;
  }

  #check(tokens: readonly number[]): void {
    if (tokens.length === 0) throw new LamellaError('L401');
    for (const id of tokens) checkedId(id, this.vocab);
    checkCount(this.position + tokens.length, this.context);
  }
}

/**
 * L429 unless the logit of a chosen token is finite. After NaN or infinity every later logit is
 * meaningless too.
 */
export function requireNumber(logits: Float32Array, token: number): void {
  const logit = logits[token]!;
  if (!Number.isFinite(logit)) throw new LamellaError('L429', { token: `token ${token}`, value: String(logit) });
}

/** The same for all logits, for calls that return all of them. */
export function requireNumbers(logits: Float32Array): Float32Array {
  const wrong = logits.findIndex((logit) => !Number.isFinite(logit));
  if (wrong >= 0) requireNumber(logits, wrong);
  return logits;
}
