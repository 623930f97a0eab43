/**
 * A session: one sequence of tokens going through a loaded model. It cuts prompts into tiles and refuses bad input **before** anything
 * is touched, so that a refused call leaves the session exactly as it was.
 */
import type * as face from './face.ts';
import type { Manifest } from './manifest.ts';
import { RuntimeError } from './runtime-error.ts';
import type { WasmDriver } from './wasm-driver.ts';

export class Session implements face.Session {
  readonly #driver: WasmDriver;
  readonly #tile: number;
  readonly vocab: number;
  readonly context: number;
  readonly plannedBytes: number;

  constructor(manifest: Manifest, driver: WasmDriver) {
    this.#driver = driver;
    this.#tile = manifest.tile;
    this.vocab = manifest.vocab;
    this.context = manifest.context;
    this.plannedBytes = manifest.memory.plannedBytes;
  }

  get position(): number {
    return this.#driver.position;
  }

  get logits(): Float32Array {
    return this.#driver.logits;
  }

  get peakBytes(): number {
    return this.#driver.peakBytes;
  }

  prefill(tokens: readonly number[]): void {
    this.#check(tokens);
    let last = 0;
    for (let from = 0; from < tokens.length; from += this.#tile) last = this.#runTile(tokens, from) - 1;
    this.#driver.head(last);
  }

  prefillAll(tokens: readonly number[]): Float32Array[] {
    this.#check(tokens);
    const all: Float32Array[] = [];
    for (let from = 0; from < tokens.length; from += this.#tile) {
      const count = this.#runTile(tokens, from);
      for (let row = 0; row < count; row++) {
        this.#driver.head(row);
        all.push(this.logits.slice());
      }
    }
    return all;
  }

  decode(token: number): void {
    this.#checkId(token);
    this.#checkRoom(1);
    this.#driver.tokens[0] = token;
    this.#driver.decode();
  }

  reset(): void {
    this.#driver.position = 0;
  }

  /** Runs the tile that starts at tokens[from]; returns how many tokens it held. */
  #runTile(tokens: readonly number[], from: number): number {
    const count = Math.min(this.#tile, tokens.length - from);
    for (let i = 0; i < count; i++) this.#driver.tokens[i] = tokens[from + i]!;
    this.#driver.prefill(count);
    return count;
  }

  #check(tokens: readonly number[]): void {
    if (tokens.length === 0) throw new RuntimeError('L401');
    for (const id of tokens) this.#checkId(id);
    this.#checkRoom(tokens.length);
  }

  #checkId(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.vocab) {
      throw new RuntimeError('L402', { id, vocab: this.vocab, last: this.vocab - 1 });
    }
  }

  #checkRoom(more: number): void {
    const count = this.position + more;
    if (count > this.context) throw new RuntimeError('L403', { count, context: this.context });
  }
}
