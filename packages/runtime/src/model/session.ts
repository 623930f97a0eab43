/**
 * The sequence that a driver computes. A session cuts prompts into tiles, keeps what is computed
 * when the next prompt begins with the same tokens, and changes between sequences. It refuses bad
 * input **before** any change, so a refused call leaves the sequence as it was.
 */
import { hasCodes } from '../choices.ts';
import type { Awaitable, Candidates, Driver, Listing, SavedState } from '../driver/driver.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Draw } from '../sampling/noise.ts';
import { Pace } from './pace.ts';
import { Sequence } from './sequence.ts';
import { checkCount, checkedId } from './token-ids.ts';

/**
 * The most tokens beyond the position that are written: two chunks of eight that a GPU chooses
 * ahead, or tokens that were proposed.
 */
const RUN_AHEAD = 16;

export class Session {
  readonly #loaded: Driver;
  #disposed = false;
  readonly tile: number;
  /** The most tokens that can be taken back; windows keep no more than they need. */
  readonly #mostTakenBack: number;
  #sequence: Sequence;
  /** The positions of the last tile, if its rows still have their results. */
  #tileFrom = 0;
  #tileTo = 0;
  /** Of generations in any sequence: the times belong to the driver. */
  readonly pace = new Pace();
  readonly manifest: Manifest;
  readonly vocab: number;
  readonly context: number;

  constructor(manifest: Manifest, driver: Driver) {
    this.#loaded = driver;
    this.manifest = manifest;
    this.tile = manifest.tile;
    const rings = (manifest.rings ?? []).filter((ring) => ring !== null);
    this.#mostTakenBack = Math.min(...rings.map(({ positions, window }) => positions - window - RUN_AHEAD));
    this.vocab = manifest.vocab;
    this.context = manifest.context;
    this.#sequence = new Sequence(manifest.context);
  }

  /** The sequence in the driver. */
  get sequence(): Sequence {
    return this.#sequence;
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
   * Takes the memory for the state of a new sequence, and of the one in the driver, which will have
   * to make room. L447 if there is none.
   */
  reserve(next: Sequence): void {
    const { stateLayout: layout, stateBytes } = this.#driver;
    try {
      this.#sequence.saved ??= { layout, bytes: new Uint8Array(stateBytes) };
      next.saved = { layout, bytes: new Uint8Array(stateBytes) };
    } catch {
      throw new LamellaError('L447', { mib: Math.ceil(stateBytes / 2 ** 20) });
    }
  }

  /**
   * Makes `next` the sequence in the driver and saves the state of the one before. If the state of
   * `next` has the layout of another driver, its tokens are computed again; `goOn` is called as in
   * `prefill`, and if it returns false, the tokens computed until then remain.
   */
  async use(next: Sequence, goOn: () => Awaitable<boolean>): Promise<void> {
    if (next === this.#sequence) return;
    if (!this.#sequence.isClosed) await this.save();
    this.#sequence = next;
    this.#driver.position = this.#tileTo = 0;
    await this.#restore(goOn);
  }

  /** Copies the state in the driver into its sequence. Returns the state; null if it is empty. */
  async save(): Promise<SavedState | null> {
    const sequence = this.#sequence;
    sequence.farthest = this.#farthest;
    sequence.length = this.position;
    if (sequence.length === 0) return null;
    sequence.saved = await this.#driver.saveState(sequence.saved);
    return sequence.saved;
  }

  /**
   * Replaces what is kept of `sequence` by a copy of the state of these tokens, which had reached
   * the position `farthest`.
   */
  async replace(
    sequence: Sequence,
    tokens: ArrayLike<number>,
    state: SavedState | null,
    farthest: number,
  ): Promise<void> {
    sequence.ids.set(tokens);
    sequence.farthest = farthest;
    sequence.length = tokens.length;
    if (state && sequence.saved?.layout === state.layout && sequence.saved.bytes.length === state.bytes.length)
      sequence.saved.bytes.set(state.bytes);
    else if (state) sequence.saved = { ...state, bytes: state.bytes.slice() };
    if (sequence !== this.#sequence) return;
    this.#driver.position = this.#tileTo = 0;
    await this.#restore(() => true);
  }

  /** Brings the driver from an empty sequence to the state of the current one. */
  async #restore(goOn: () => Awaitable<boolean>): Promise<void> {
    const { saved, length, ids } = this.#sequence;
    if (length === 0) return;
    const computed = ids.slice(0, length);
    const { stateLayout, stateBytes } = this.#driver;
    if (saved?.layout === stateLayout && saved.bytes.length === stateBytes)
      await this.#driver.restoreState(saved, computed);
    else await this.#run([...computed], goOn);
  }

  /**
   * Makes `tokens` the sequence, and the last one's logits readable. Tokens that the sequence
   * begins with already are kept; at least one is computed. Returns the number of tokens kept, or
   * null if `goOn` returned false. L401, L402, L403.
   */
  async read(tokens: readonly number[], goOn: () => Awaitable<boolean> = () => true): Promise<number | null> {
    this.check(tokens, 0);
    this.#keep(tokens, tokens.length - 1);
    const from = this.position;
    return (await this.prefill(tokens.slice(from), goOn)) ? from : null;
  }

  /**
   * Appends tokens; the last one's logits can then be read. L401 for none, L402 for an id outside
   * the vocabulary, L403 if they do not fit the context. `goOn` is called before each tile; if it
   * returns false, prefill stops there without logits and returns false.
   */
  async prefill(tokens: readonly number[], goOn: () => Awaitable<boolean> = () => true): Promise<boolean> {
    this.check(tokens);
    const last = await this.#run(tokens, goOn);
    if (last === null) return false;
    await this.#driver.head(last);
    return true;
  }

  /**
   * Computes tokens tile by tile. Returns the row of the last one in its tile, or null if `goOn`
   * returned false.
   */
  async #run(tokens: readonly number[], goOn: () => Awaitable<boolean>): Promise<number | null> {
    let last = 0;
    for (let from = 0; from < tokens.length; from += this.tile) {
      if (!(await goOn())) return null;
      last = (await this.#runTile(tokens, from)) - 1;
    }
    return last;
  }

  /**
   * Makes `tokens` the sequence; keeps what it begins with already. Returns a copy of the logits,
   * f32 [vocab], of every token from index `from` on. L401, L402, L403.
   */
  async readAll(
    tokens: readonly number[],
    from: number,
    goOn: () => Awaitable<boolean> = () => true,
  ): Promise<Float32Array[]> {
    this.check(tokens, 0);
    this.#keep(tokens, from);
    await this.#run(tokens.slice(this.position, from), goOn);
    return this.prefillAll(tokens.slice(from), goOn);
  }

  /** Goes back to the tokens that the sequence and `tokens` begin with, at most `most` of them. */
  #keep(tokens: readonly number[], most: number): void {
    const kept = Math.min(this.#sequence.common(tokens, this.position), most);
    this.rewind(this.#canReturn(kept) ? kept : 0);
  }

  /** Like `prefill`, but returns a copy of the logits, f32 [vocab], of every token. */
  async prefillAll(tokens: readonly number[], goOn: () => Awaitable<unknown> = () => {}): Promise<Float32Array[]> {
    this.check(tokens);
    const all: Float32Array[] = [];
    for (let from = 0; from < tokens.length; from += this.tile) {
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
    this.#sequence.ids[this.position] = token;
    this.#driver.tokens[0] = token;
    this.#tileTo = 0;
    return this.#driver.decode();
  }

  /**
   * Whether a step of several tokens gives each the same bits as a step of its own. Only the dots of
   * codes do, on WASM.
   */
  get sameTogether(): boolean {
    return hasCodes(this.manifest.quant) && this.#driver.running.device === 'wasm';
  }

  /**
   * Appends `tokens`, at most a tile together with `proposed`, which are computed in the same step
   * and may be appended by `take`. The last token's logits can then be read. L401 to L403.
   */
  async propose(tokens: readonly number[], proposed: readonly number[]): Promise<void> {
    const all = [...tokens, ...proposed];
    this.check(all);
    const from = this.position;
    await this.#runTile(all, 0);
    await this.#driver.head(tokens.length - 1);
    [this.#tileFrom, this.#tileTo] = [from, from + all.length];
  }

  /** Whether proposed tokens were computed that may still follow. */
  get hasProposed(): boolean {
    return this.position < this.#tileTo;
  }

  /**
   * Appends tokens that were computed with the ones before; the last one's logits can then be read.
   * False if they are not the proposed ones.
   */
  async take(tokens: readonly number[]): Promise<boolean> {
    const { position } = this;
    const to = position + tokens.length;
    if (to > this.#tileTo || tokens.some((token, i) => this.#sequence.ids[position + i] !== token)) return false;
    await this.#driver.head(to - this.#tileFrom - 1);
    return true;
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
    if (!Number.isInteger(position) || position < 0 || position > driver.position) {
      const range = `a whole number from 0 to ${driver.position}`;
      const remedy = 'the number of tokens to keep';
      throw new LamellaError('L408', { option: 'position', range, value: position, remedy });
    }
    if (!this.#canReturn(position)) {
      throw new LamellaError('L445', { position, most: this.#mostTakenBack, farthest: this.#farthest });
    }
    this.#sequence.farthest = position === 0 ? 0 : this.#farthest;
    driver.position = position;
    this.#tileTo = 0;
  }

  /**
   * The largest position of this sequence. In a ring, each position has overwritten the one a ring
   * before it.
   */
  get #farthest(): number {
    return Math.max(this.#sequence.farthest, this.position);
  }

  /** Whether the state still has all that the token after `position` uses. */
  #canReturn(position: number): boolean {
    return position === 0 || this.#farthest - position <= this.#mostTakenBack;
  }

  /** Runs the tile that starts at tokens[from]; returns its number of tokens. */
  async #runTile(tokens: readonly number[], from: number): Promise<number> {
    const count = Math.min(this.tile, tokens.length - from);
    this.#tileTo = 0;
    for (let i = 0; i < count; i++) {
      this.#sequence.ids[this.position + i] = tokens[from + i]!;
      this.#driver.tokens[i] = tokens[from + i]!;
    }
    await this.#driver.prefill(count);
    return count;
  }

  /** L401, L402 and L403 for tokens to be appended after `position` tokens. */
  check(tokens: readonly number[], position = this.position): void {
    if (tokens.length === 0) throw new LamellaError('L401');
    for (const id of tokens) checkedId(id, this.vocab);
    checkCount(position + tokens.length, this.context);
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
