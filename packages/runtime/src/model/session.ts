/**
 * A session: one sequence of tokens going through a loaded model. It cuts prompts into tiles and refuses bad input **before** anything
 * is touched, so that a refused call leaves the session exactly as it was.
 */
import type { Awaitable, Candidates, Driver, Listing } from '../driver/driver.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Draw } from '../sampling/noise.ts';
import { checkCount, checkedId } from './token-ids.ts';

export class Session {
  readonly #loaded: Driver;
  #disposed = false;
  readonly #tile: number;
  readonly vocab: number;
  readonly context: number;

  constructor(manifest: Manifest, driver: Driver) {
    this.#loaded = driver;
    this.#tile = manifest.tile;
    this.vocab = manifest.vocab;
    this.context = manifest.context;
  }

  /** L411 once disposed of: its threads would never answer. */
  get #driver(): Driver {
    if (this.#disposed) throw new LamellaError('L411');
    return this.#loaded;
  }

  /** Tokens so far. */
  get position(): number {
    return this.#driver.position;
  }

  /** Bytes planned for what it runs on. */
  get plannedBytes(): number {
    return this.#loaded.plannedBytes;
  }

  /** Bytes of the running memory. */
  get peakBytes(): number {
    return this.#loaded.peakBytes;
  }

  /** f32 [vocab]: the logits behind the last token; the next call overwrites them. */
  logits(): Awaitable<Float32Array> {
    return this.#driver.readLogits();
  }

  /** The token that follows the last one by `draw`; from position `until` on none will be asked for. */
  choose(draw: Draw, until: number): Awaitable<number> {
    return this.#driver.choose(draw, until);
  }

  /**
   * L429 where `token` was chosen though its logit is no number, as far as that is known at once: logits of a device are not read for it, but
   * where none of them is above its floor, it chooses an id behind the vocabulary.
   */
  requireChosen(token: number): void {
    if (token >= this.vocab) throw new LamellaError('L429', { token: 'every token', value: 'NaN' });
    if (this.#driver.logits) requireNumber(this.#driver.logits, token);
  }

  /** Candidates for it; null where reading the logits is as good. */
  candidates(listing: Listing): Promise<Candidates | null> | null {
    return this.#driver.candidates?.(listing) ?? null;
  }

  /**
   * Appends tokens, so that the last one's logits can be read. L401 for none, L402 for an id outside the vocabulary, L403 when they do not
   * fit the context. `goOn` is asked between tiles; its no leaves the sequence where it is, without logits, and is returned.
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

  /** As `prefill`, and returns a copy of the logits, f32 [vocab], of every token. */
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

  /** Appends one token; allocates nothing where the driver answers at once. L402, L403. */
  decode(token: number): Awaitable<void> {
    checkedId(token, this.vocab);
    checkCount(this.position + 1, this.context);
    this.#driver.tokens[0] = token;
    return this.#driver.decode();
  }

  /** Lets go of the driver; every later step is L411. */
  dispose(): void {
    this.#disposed = true;
    this.#loaded.dispose();
  }

  /** Back to an empty sequence. */
  reset(): void {
    this.#driver.position = 0;
  }

  /** Runs the tile that starts at tokens[from]; returns how many tokens it held. */
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

/** L429 unless the logit of a chosen token is a number: NaN or infinite, it says nothing, and the next ones will be so as well. */
export function requireNumber(logits: Float32Array, token: number): void {
  const logit = logits[token]!;
  if (!Number.isFinite(logit)) throw new LamellaError('L429', { token: `token ${token}`, value: String(logit) });
}

/** The same of all logits, for whoever is given them all. */
export function requireNumbers(logits: Float32Array): Float32Array {
  const wrong = logits.findIndex((logit) => !Number.isFinite(logit));
  if (wrong >= 0) requireNumber(logits, wrong);
  return logits;
}
