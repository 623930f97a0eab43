/** The layers of a Llama-shaped transformer, with Hugging Face's weight names. */
import { LamellaError } from '@lamella/graph/diagnostics';
import { isF32, isPositiveF32 } from '@lamella/graph/f32';
import type { Axis } from '@lamella/graph/ir';
import { checkRope } from '@lamella/graph/rope';
import { axis, boolean, declared, number, optional, options, tensor } from './arguments.ts';
import { type AttentionOptions, attention, attentionKinds, cache, checkAttention } from './attention.ts';
import { checkSize, type Fit, type FitTokens, type Through, type TokensOf } from './axes.ts';
import { mul, silu } from './functions.ts';
import { checkHeads, divisorBelow, headCounts } from './heads.ts';
import { asModule, type Module, Parameter, type StoredAs } from './module.ts';
import { rotate } from './ops.ts';
import { type RopeSpec, ropeSpec } from './rope.ts';
import { type Capture, capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

/** A module from [t, In] to [t, Out]. */
export interface Layer<In extends Axis, Out extends Axis> extends Module {
  <X extends Tensor>(x: Fit<X, In>): Through<X, In, Out>;
}

/** An embedding table [vocab, d]. */
export interface Embedding<Vocab extends Axis, D extends Axis> extends Module {
  /** Looks up the rows of token ids: [t] -> [t, d]. */
  <X extends Tensor>(ids: FitTokens<X>): Tensor<readonly [TokensOf<X>, D]>;
  /**
   * The tied head (arXiv 2402.14905, section 3.3): x W^T over the same table, [t, d] -> [t, vocab].
   */
  readonly logits: <X extends Tensor>(x: Fit<X, D>) => Through<X, D, Vocab>;
}

/** A `Layer` without axes in its type; the axes are checked when it is called. */
export type Untyped = Module & ((x: Tensor) => Tensor);

/**
 * Makes a layer with input [t, axes[0]]: a call checks its input, then traces `forward` under the
 * module's path. `made` is the DSL function that the author called.
 */
export function layer(
  made: string,
  axes: readonly [Axis, ...(readonly Axis[])],
  children: Readonly<Record<string, Module | Parameter>>,
  forward: (x: Tensor<readonly [Axis, Axis]>) => Tensor,
  site: Capture,
  check: (place: string) => void = () => {},
): Untyped {
  const call = declared(made, { x: tensor }, (x: Tensor): Tensor => {
    const trace = activeTrace();
    return trace.within(module, () => forward(trace.expect(x, axes[0])));
  });
  const module: Untyped = asModule(call, { made, axes, children, site, check });
  return module;
}

/** Options of `linear`. */
export interface LinearOptions {
  /** Whether a bias is added. Default: false. */
  readonly bias?: boolean | undefined;
}

/**
 * x W^T (+ bias): [t, in] -> [t, out]. Weights `weight` [out, in] and, with `bias`, `bias` [out].
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ up: linear(d, ff, { bias: true }), down: linear(ff, d) }),
 *   (w, x) => residual(x, (x) => w.down(gelu(w.up(x)))),
 * );
 */
export const linear = declared(
  'linear',
  { from: axis, to: axis, options: optional(options({ bias: optional(boolean) }, 'linear(d, ff, { bias: true })')) },
  <const In extends Axis, const Out extends Axis>(from: In, to: Out, { bias }: LinearOptions = {}): Layer<In, Out> =>
    projection(from, to, capture(), bias) as Layer<In, Out>,
);

/**
 * A linear. `stored` says where the checkpoint holds its weight and bias, given the shape of one
 * row.
 */
export function projection(
  from: Axis,
  to: Axis,
  site: Capture,
  biased = false,
  stored: (row: readonly number[]) => StoredAs | null = () => null,
): Untyped {
  const weight = new Parameter([to.size, from.size], 'matrix', site, stored([from.size]));
  const bias = biased ? new Parameter([to.size], 'bias', site, stored([])) : null;
  const forward = (x: Tensor<readonly [Axis, Axis]>): Tensor => {
    const trace = activeTrace();
    const w = trace.param(weight);
    const b = bias ? trace.param(bias) : null;
    return trace.emit({ kind: 'linear', x: x.id, weight: w, bias: b }, [x.axes[0], to]);
  };
  return layer('linear', [from, to], bias ? { weight, bias } : { weight }, forward, site);
}

/** Options of every RMSNorm. */
export interface NormOptions {
  /** Added to the mean square. Default: 1e-5. */
  readonly eps?: number | undefined;
  /** Added to the weight: 1 for checkpoints that store weight - 1, as Gemma's do. Default: 0. */
  readonly offset?: number | undefined;
}

const normOptions = { eps: optional(number('eps: 1e-6')), offset: optional(number('offset: 1')) };

/**
 * x / sqrt(mean(x^2) + eps) * (weight + offset) over the features (RMSNorm, arXiv 1910.07467).
 * Throws L117, L142.
 *
 * @example
 * rmsNorm(d, { eps: 1e-6, offset: 1 }); // as Gemma
 */
export const rmsNorm = declared(
  'rmsNorm',
  { d: axis, options: optional(options(normOptions, 'rmsNorm(d, { eps: 1e-6 })')) },
  <const D extends Axis>(d: D, options: NormOptions = {}): Layer<D, D> =>
    norm('rmsNorm', d, 1, options, capture()) as Layer<D, D>,
);

/**
 * RMSNorm over each of `heads` adjacent heads of x, with one weight [d / heads] for all heads.
 * Qwen3 and Gemma 3 have it between a projection and RoPE. Throws L102, L117, L124, L142.
 *
 * @example
 * headNorm(d, { heads: 4 });
 */
export const headNorm = declared(
  'headNorm',
  {
    d: axis,
    options: options(
      { heads: number('heads: 9'), ...normOptions, gain: optional(boolean) },
      'headNorm(q, { heads: 9 })',
    ),
  },
  <const D extends Axis>(d: D, { heads, gain = true, ...options }: HeadNormOptions): Layer<D, D> =>
    norm('headNorm', d, heads, options, capture(), gain) as Layer<D, D>,
);

/** Options of `headNorm`. */
export interface HeadNormOptions extends NormOptions {
  /** Heads that are normalised separately; must divide the features. */
  readonly heads: number;
  /** Whether there is a weight; Llama 4 has none. Default: true. */
  readonly gain?: boolean | undefined;
}

function norm(
  made: string,
  d: Axis,
  heads: number,
  { eps = 1e-5, offset = 0 }: NormOptions,
  site: Capture,
  gain = true,
): Untyped {
  const shape = [d.size / heads];
  const rows = { first: 0, count: shape[0]!, groups: 1, stride: shape[0]! };
  const stored = { tensorOf: (name: string) => name, shape, rows, plus: offset };
  const weight = new Parameter(shape, 'gain', site, offset === 0 ? null : stored);
  const forward = (x: Tensor): Tensor => {
    const trace = activeTrace();
    return trace.emit({ kind: 'rmsNorm', x: x.id, gain: gain ? trace.param(weight) : null, eps, heads }, x.axes);
  };
  const check = (place: string): void => {
    const where = { place, site: site() };
    checkHeads('headNorm', 'heads', heads, d, where);
    if (!isPositiveF32(eps)) throw new LamellaError('L117', { value: eps }, where);
    if (!isF32(offset)) throw new LamellaError('L142', { value: offset }, where);
    if (gain || offset === 0) return;
    const remedy = 'leaving offset out';
    throw new LamellaError(
      'L124',
      { call: made, expected: 'only 0', argument: 'offset if gain is false', got: offset, remedy },
      where,
    );
  };
  return layer(made, [d], gain ? { weight } : {}, forward, site, check);
}

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** Added to the variance. Default: 1e-5. */
  readonly eps?: number | undefined;
  /** Whether a bias is added. Default: true. */
  readonly bias?: boolean | undefined;
}

/**
 * (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias over the features (LayerNorm, arXiv
 * 1607.06450). Weights `weight` and, unless `bias` is false, `bias` [d]. Throws L117.
 *
 * @example
 * layerNorm(d, { bias: false });
 */
export const layerNorm = declared(
  'layerNorm',
  {
    d: axis,
    options: optional(
      options({ eps: optional(number('eps: 1e-6')), bias: optional(boolean) }, 'layerNorm(d, { bias: false })'),
    ),
  },
  <const D extends Axis>(d: D, { eps = 1e-5, bias: biased = true }: LayerNormOptions = {}): Layer<D, D> => {
    const site = capture();
    const weight = new Parameter([d.size], 'gain', site);
    const bias = biased ? new Parameter([d.size], 'bias', site) : null;
    const forward = (x: Tensor): Tensor => {
      const trace = activeTrace();
      const gain = trace.param(weight);
      const added = bias ? trace.param(bias) : null;
      return trace.emit({ kind: 'layerNorm', x: x.id, gain, bias: added, eps }, x.axes);
    };
    const check = (place: string): void => {
      if (!isPositiveF32(eps)) throw new LamellaError('L117', { value: eps }, { place, site: site() });
    };
    return layer('layerNorm', [d], bias ? { weight, bias } : { weight }, forward, site, check) as Layer<D, D>;
  },
);

/** Learned positions, callable without arguments. */
export interface Positions<T extends Axis, D extends Axis> extends Module {
  (): Tensor<readonly [T, D]>;
}

/**
 * Learned absolute positions, as in GPT-2. A call returns [t, d]: row p of `weight` [t, d] for the
 * token at position p, to be added to the embedding.
 *
 * @example
 * export default defineModel(
 *   'with-positions',
 *   {},
 *   () => ({ wte: embedding(vocab, d), wpe: positions(t, d), ln_f: layerNorm(d) }),
 *   (m) => m.wte.logits(m.ln_f(add(m.wte(input(t)), m.wpe()))),
 * );
 */
export const positions = declared(
  'positions',
  { t: axis, d: axis },
  <const T extends Axis, const D extends Axis>(t: T, d: D): Positions<T, D> => {
    const site = capture();
    const weight = new Parameter([t.size, d.size], 'table', site);
    const call = declared('positions', {}, (): Tensor => {
      const trace = activeTrace();
      return trace.within(module, () => trace.emit({ kind: 'positions', table: trace.param(weight) }, [t, d]));
    });
    const info = { made: 'positions', axes: [t, d], children: { weight }, site, check: () => {} };
    const module: Module = asModule(call, info);
    return module as Positions<T, D>;
  },
);

/**
 * An embedding table [vocab, d]: callable with token ids; its `.logits` is a tied head.
 *
 * @example
 * export default defineModel(
 *   'with-a-tied-head',
 *   {},
 *   () => ({ embed_tokens: embedding(vocab, d), norm: rmsNorm(d) }),
 *   (m) => m.embed_tokens.logits(m.norm(m.embed_tokens(input(t)))),
 * );
 */
export const embedding = declared(
  'embedding',
  { vocab: axis, d: axis },
  <const Vocab extends Axis, const D extends Axis>(vocab: Vocab, d: D): Embedding<Vocab, D> => {
    const site = capture();
    const weight = new Parameter([vocab.size, d.size], 'table', site);
    const lookup = declared('embedding', { ids: tensor }, (ids: Tensor): Tensor => {
      const trace = activeTrace();
      return trace.within(module, () => {
        const x = trace.expectTokens(ids);
        return trace.emit({ kind: 'embed', ids: x.id, table: trace.param(weight) }, [x.axes[0], d]);
      });
    });
    const logits = declared('logits', { x: tensor }, (value: Tensor): Tensor => {
      const trace = activeTrace();
      return trace.within(module, () => {
        const x = trace.expect(value, d);
        return trace.emit({ kind: 'linear', x: x.id, weight: trace.param(weight), bias: null }, [x.axes[0], vocab]);
      });
    });
    const info = { made: 'embedding', axes: [vocab, d], children: { weight }, site, check: () => {} };
    const module: Module = asModule(Object.assign(lookup, { logits }), info);
    return module as Embedding<Vocab, D>;
  },
);

/**
 * SwiGLU feed-forward (arXiv 2002.05202): down(silu(gate(x)) * up(x)), [t, d] -> [t, d]. Weights
 * `gate_proj`, `up_proj` [ff, d], `down_proj` [d, ff].
 *
 * @example
 * swiglu(d, ff);
 */
export const swiglu = declared(
  'swiglu',
  { d: axis, ff: axis },
  <const D extends Axis, const FF extends Axis>(d: D, ff: FF): Layer<D, D> => {
    const site = capture();
    const gate_proj = projection(d, ff, site);
    const up_proj = projection(d, ff, site);
    const down_proj = projection(ff, d, site);
    const forward = (x: Tensor): Tensor => down_proj(mul(silu(gate_proj(x)), up_proj(x)));
    return layer('swiglu', [d, ff], { gate_proj, up_proj, down_proj }, forward, site) as Layer<D, D>;
  },
);

/** Options of `gqa`. */
export interface GqaOptions extends AttentionOptions {
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; must divide `heads`. */
  readonly kvHeads: number;
  /** Features of one head; even if `rope` is given. */
  readonly headDim: number;
  /**
   * Rotary embedding of queries and keys. Default: none, so only the causal mask depends on
   * position.
   */
  readonly rope?: RopeSpec | undefined;
}

/**
 * Causal grouped-query attention (arXiv 2305.13245) with its four projections: [t, d] -> [t, d].
 * Weights `q_proj` [heads * headDim, d], `k_proj` and `v_proj` [kvHeads * headDim, d], `o_proj` [d,
 * heads * headDim]. Throws L102, L103, L104, L118, L150.
 *
 * @example
 * gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000) });
 */
export const gqa = declared(
  'gqa',
  {
    d: axis,
    options: options(
      { ...headCounts, rope: optional(ropeSpec), ...attentionKinds },
      'gqa(d, { heads: 9, kvHeads: 3, headDim: 64, rope: rope(10_000) })',
    ),
  },
  <const D extends Axis>(d: D, { heads, kvHeads, headDim, rope, ...how }: GqaOptions): Layer<D, D> => {
    const site = capture();
    const queryAxis: Axis = { name: 'q', size: heads * headDim };
    const keyAxis: Axis = { name: 'kv', size: kvHeads * headDim };
    const q_proj = projection(d, queryAxis, site);
    const k_proj = projection(d, keyAxis, site);
    const v_proj = projection(d, keyAxis, site);
    const o_proj = projection(queryAxis, d, site);
    const turn = (x: Tensor, count: number): Tensor => (rope ? rotate(x, rope, { heads: count }) : x);
    const forward = (x: Tensor): Tensor => {
      const [q, k, v] = [q_proj(x), k_proj(x), v_proj(x)] as const;
      return o_proj(attention(turn(q, heads), cache(turn(k, kvHeads), v, { kvHeads }), how));
    };
    const check = (place: string): void => {
      const where = { place, site: site() };
      checkSize('heads', heads, where);
      checkSize('kvHeads', kvHeads, where);
      checkSize('headDim', headDim, where);
      if (heads % kvHeads !== 0) {
        throw new LamellaError('L104', { heads, kvHeads, suggestion: divisorBelow(heads, kvHeads) }, where);
      }
      checkAttention(how, where);
      if (!rope) return;
      if (headDim % 2 !== 0) throw new LamellaError('L103', { headDim, suggestion: headDim + 1 }, where);
      checkRope(rope, headDim, { place, site: rope.site() });
    };
    return layer('gqa', [d], { q_proj, k_proj, v_proj, o_proj }, forward, site, check) as Layer<D, D>;
  },
);
