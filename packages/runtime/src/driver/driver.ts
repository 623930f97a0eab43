/**
 * What a session needs of a device. WASM answers at once, a GPU later: so a result may be a promise, and whoever uses a driver waits only
 * when it is one. That keeps a decoded token on WASM free of allocations.
 */
import type { Running } from '../face.ts';
import type { Draw } from '../sampling/noise.ts';

/** A value now, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** What candidates are listed for. */
export interface Listing {
  /** They are the largest of logit + temperature * noise. */
  readonly order: Draw;
  /** The temperature of the sum over all tokens. Above 0. */
  readonly sumTemperature: number;
}

/** Some of the largest logits, and what they prove about the rest. */
export interface Candidates {
  /** In no order. */
  readonly ids: ArrayLike<number>;
  /** Of the same tokens. */
  readonly logits: ArrayLike<number>;
  /** What no other token's logit + temperature * noise exceeds; -Infinity where there is no other. */
  readonly bound: number;
  /** Sum over all tokens of exp((logit - largest) / sumTemperature), to a relative error of 1e-5. */
  readonly total: number;
}

/** A loaded model as the kernels see it: no checks, no policy. `Session` adds those. */
export interface Driver {
  readonly running: Running;
  /** u32 [tile]: the token ids of the next call, written by the caller. */
  readonly tokens: Uint32Array;
  /** Tokens whose KV is in the state. Writing it rewinds; state beyond it is never read. */
  position: number;
  /** Bytes that the compiler planned for it. */
  readonly plannedBytes: number;
  /** Bytes of the running memory, measured. */
  readonly peakBytes: number;
  /** Runs tokens [0, n) of the tile from the current position, appends their KV, advances the position by n. */
  prefill(n: number): Awaitable<void>;
  /** Final norm and logits of tile row `row` of the last prefill. */
  head(row: number): Awaitable<void>;
  /** Runs token 0 of the tile, head included, and advances the position by one. */
  decode(): Awaitable<void>;
  /** The same as `readLogits` where they lie at hand, and nothing has to be done for them. */
  readonly logits?: Float32Array;
  /** f32 [vocab]: what `head` or `decode` left. Good until the next call. */
  readLogits(): Awaitable<Float32Array>;
  /**
   * The token that follows by `draw`, at the driver's position. A device may go on with it meanwhile, as far as position `until`: tokens from
   * there on will not be asked for.
   */
  choose(draw: Draw, until: number): Awaitable<number>;
  /** Candidates for the token that follows; absent, or null, where reading all logits is as good. */
  candidates?(listing: Listing): Promise<Candidates | null> | null;
  /** Lets go of memory, threads and devices. */
  dispose(): void;
}
