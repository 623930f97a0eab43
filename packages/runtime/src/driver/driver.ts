/**
 * The interface between a session and a device. WASM answers synchronously and a GPU later, so a
 * result may be a promise, and callers await only promises. That keeps decoding a token on WASM
 * free of allocations.
 */
import type { Running } from '../api.ts';
import type { Draw } from '../sampling/noise.ts';

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** A request for candidates. */
export interface Listing {
  /** The candidates are the tokens with the largest logit + temperature * noise. */
  readonly order: Draw;
  /** The temperature of the sum over all tokens. Above 0. */
  readonly sumTemperature: number;
}

/** Some of the largest logits, and a bound for the others. */
export interface Candidates {
  /** In no order. */
  readonly ids: ArrayLike<number>;
  /** Logits of the same tokens. */
  readonly logits: ArrayLike<number>;
  /**
   * An upper bound of logit + temperature * noise for all other tokens; -Infinity if there is no
   * other.
   */
  readonly bound: number;
  /**
   * Sum over all tokens of exp((logit - largest) / sumTemperature), to a relative error of 1e-5.
   */
  readonly total: number;
}

/** The KV state of a sequence, copied out of a driver. */
export interface SavedState {
  /** `stateLayout` of the driver that saved it. */
  readonly layout: string;
  /** The whole state region. Positions that were not computed have arbitrary content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A loaded model without checks or policy; `Session` adds those. */
export interface Driver {
  readonly running: Running;
  /** u32 [tile]: the token ids of the next call, written by the caller. */
  readonly tokens: Uint32Array;
  /** Tokens whose KV is in the state. Writing it rewinds; state beyond it is never read. */
  position: number;
  /** Bytes that the compiler planned. */
  readonly plannedBytes: number;
  /** Bytes of the memory in use, measured. */
  readonly peakBytes: number;
  /**
   * Runs tokens [0, n) of the tile from the current position, appends their KV, advances the
   * position by n.
   */
  prefill(n: number): Awaitable<void>;
  /**
   * Final norm and logits of tile row `row` of the last prefill. The position is then the one after
   * this row's token; a later call may name any other row.
   */
  head(row: number): Awaitable<void>;
  /** Runs token 0 of the tile, head included, and advances the position by one. */
  decode(): Awaitable<void>;
  /** The same as `readLogits`, if the logits lie in memory and need no readback. */
  readonly logits?: Float32Array;
  /** f32 [vocab]: the result of `head` or `decode`. Valid until the next call. */
  readLogits(): Awaitable<Float32Array>;
  /**
   * The token that follows by `draw` at the driver's position. A device may compute ahead, up to
   * position `until`: no token from there on will be requested.
   */
  choose(draw: Draw, until: number): Awaitable<number>;
  /** Candidates for the next token; absent or null if reading all logits is as fast. */
  candidates?(listing: Listing): Promise<Candidates | null> | null;
  /** See `state-layout.ts`. Drivers with the same layout can restore each other's states. */
  readonly stateLayout: string;
  /** Bytes of a saved state. */
  readonly stateBytes: number;
  /** Copies the KV state, into the memory of `reuse` if its layout is the same. */
  saveState(reuse: SavedState | null): Awaitable<SavedState>;
  /**
   * Restores a state of this driver's layout, whose tokens are `ids`, and sets the position to
   * their number. Logits are not restored.
   */
  restoreState(saved: SavedState, ids: Uint32Array): Awaitable<void>;
  /** Frees memory, threads and devices. */
  dispose(): void;
}
