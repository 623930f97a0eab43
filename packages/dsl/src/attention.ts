/**
 * Causal attention (grouped queries: arXiv 2305.13245) in two parts: `cache` stores keys and values
 * as a state, and any number of attentions read it. Each execution of a block has its own state.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { isPositiveF32 } from '@lamella/graph/f32';
import type { Axis } from '@lamella/graph/ir';
import { declared, type Kind, number, optional, options, tensor } from './arguments.ts';
import { type AxesOf, checkSize, type FitAll, type FitFeatures, type FitQueries, showAxis } from './axes.ts';
import { checkHeads, divisorBelow } from './heads.ts';
import { checkCount, mostQueriesPerKey } from './limits.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace, type Trace } from './trace.ts';

/** The keys and values of one execution, made by `cache`. */
export class Cache<Axes extends readonly Axis[] = readonly Axis[]> {
  /** @internal */
  readonly k: Tensor<Axes>;
  /** @internal */
  readonly v: Tensor;
  /** @internal */
  readonly kvHeads: number;
  /** The number of this state in its body, assigned by the first attention that reads it. */
  #state: number | null = null;

  constructor(k: Tensor<Axes>, v: Tensor, kvHeads: number) {
    this.k = k;
    this.v = v;
    this.kvHeads = kvHeads;
  }

  /** @internal */
  stateIn(trace: Trace): number {
    this.#state ??= trace.nextState();
    return this.#state;
  }
}

/** Options of `cache`. */
export interface CacheOptions {
  /** Heads of the keys and values; must divide their features. */
  readonly kvHeads: number;
}

/**
 * Makes the keys k and values v, both [t, kvHeads * headDim], a state that attention reads.
 * `cache(k, k, ...)` uses one tensor as both. Throws L101 if the axes of k and v differ and L124 if
 * `kvHeads` does not divide their features.
 *
 * @example
 * const { q, kv } = dims({ q: 64, kv: 32 });
 * const layer = block(
 *   [t, d],
 *   () => ({ q_proj: linear(d, q), k_proj: linear(d, kv), v_proj: linear(d, kv), o_proj: linear(q, d) }),
 *   (w, x) => {
 *     const state = cache(w.k_proj(x), w.v_proj(x), { kvHeads: 2 });
 *     return residual(x, (x) => w.o_proj(attention(w.q_proj(x), state)));
 *   },
 * );
 */
export const cache = declared(
  'cache',
  { k: tensor, v: tensor, options: options({ kvHeads: number('kvHeads: 3') }, 'cache(k, v, { kvHeads: 3 })') },
  <K extends Tensor, V extends Tensor>(
    k: FitFeatures<K>,
    v: FitAll<V, AxesOf<K>>,
    { kvHeads }: CacheOptions,
  ): Cache<AxesOf<K>> => {
    const trace = activeTrace();
    const keys = trace.expectFeatures(k);
    const values = trace.expectAll(v, keys.axes);
    checkHeads('cache', 'kvHeads', kvHeads, keys.axes[1], { place: trace.where, site: capture()() });
    return new Cache(keys as Tensor as Tensor<AxesOf<K>>, values, kvHeads);
  },
);

/** Options that change softmax(q k / sqrt(headDim)) v. */
export interface AttentionOptions {
  /** Multiplies scores. Default: 1 / sqrt(headDim). */
  readonly scale?: number | undefined;
  /**
   * Number of positions that a token attends to, its own included (sliding window, arXiv
   * 2310.06825). Default: all.
   */
  readonly window?: number | undefined;
  /** A score s becomes softcap * tanh(s / softcap) (Gemma 2, arXiv 2408.00118). Default: no cap. */
  readonly softcap?: number | undefined;
}

/** The run-time kinds of `AttentionOptions`. */
export const attentionKinds = {
  scale: optional(number('scale: 0.125')),
  window: optional(number('window: 512')),
  softcap: optional(number('softcap: 50')),
};

/** The result of `cache`, as an argument. */
const aCache: Kind = {
  words: 'keys and values',
  example: 'attention(q, cache(k, v, { kvHeads: 3 }))',
  holds: (value) => value instanceof Cache,
};

/** Throws L102 and L150 for options that are out of range. */
export function checkAttention(
  { scale = 1, window = 1, softcap = 1 }: AttentionOptions,
  where: { readonly place: string; readonly site: ReturnType<ReturnType<typeof capture>> },
): void {
  checkSize('window', window, where);
  if (!isPositiveF32(scale)) throw new LamellaError('L150', { name: 'scale', value: scale, example: '0.125' }, where);
  if (!isPositiveF32(softcap)) {
    throw new LamellaError('L150', { name: 'softcap', value: softcap, example: '50' }, where);
  }
}

/**
 * Causal attention of queries q [t, heads * headDim] over the keys and values of `kv` -> the axes
 * of q. The number of heads is the features of q divided by headDim. Only blocks may use it,
 * because the state belongs to an execution. Throws L116 in a model's own body, and L101, L102,
 * L104, L110, L127, L150.
 *
 * @example
 * const { q, kv } = dims({ q: 64, kv: 32 });
 * const layer = block(
 *   [t, d],
 *   () => ({ q_proj: linear(d, q), k_proj: linear(d, kv), v_proj: linear(d, kv), o_proj: linear(q, d) }),
 *   (w, x) => {
 *     const state = cache(w.k_proj(x), w.v_proj(x), { kvHeads: 2 });
 *     return residual(x, (x) => w.o_proj(attention(w.q_proj(x), state, { window: 32, softcap: 50 })));
 *   },
 * );
 */
export const attention = declared(
  'attention',
  { q: tensor, kv: aCache, options: optional(options(attentionKinds, 'attention(q, kv, { window: 512 })')) },
  <Q extends Tensor, Axes extends readonly Axis[]>(
    q: FitQueries<Q, Axes>,
    kv: Cache<Axes>,
    given: AttentionOptions = {},
  ): Tensor<AxesOf<Q>> => {
    const trace = activeTrace();
    const where = { place: trace.where, site: capture()() };
    if (trace.isRoot) {
      const reason = "a model's own body keeps no state";
      throw new LamellaError('L116', { op: 'attention', reason, remedy: 'a block, and stack(1, block)' }, where);
    }
    checkAttention(given, where);
    const queries = trace.expectFeatures(q);
    const [keys, values] = [trace.own(kv.k), trace.own(kv.v)];
    const { kvHeads } = kv;
    const headDim = keys.axes[1]!.size / kvHeads;
    const [, width] = queries.axes;
    const heads = width.size / headDim;
    if (!Number.isInteger(heads)) {
      const args = {
        got: showAxis(width),
        expected: `a multiple of headDim ${headDim}`,
        remedy: 'queries of whole heads',
      };
      throw new LamellaError('L101', args, where);
    }
    if (heads % kvHeads !== 0) {
      throw new LamellaError('L104', { heads, kvHeads, suggestion: divisorBelow(heads, kvHeads) }, where);
    }
    checkCount('query heads for each head of keys and values', heads / kvHeads, mostQueriesPerKey, where);
    const { scale = 1 / Math.sqrt(headDim), window = null, softcap = null } = given;
    const op = { kind: 'attention', q: queries.id, k: keys.id, v: values.id, heads, kvHeads, headDim } as const;
    return trace.emit(
      { ...op, scale, window, softcap, state: kv.stateIn(trace) },
      queries.axes as readonly Axis[] as AxesOf<Q>,
    );
  },
);
