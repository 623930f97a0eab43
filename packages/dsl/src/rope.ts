/** Rotary position embedding for `rotate` and `gqa`, with the scalings for longer contexts. */
import type { Rope, RopeScaling } from '@lamella/graph/ir';
import { declared, isListOf, type Kind, number, oneOf, optional, options } from './arguments.ts';
import { isOriginal, original } from './original.ts';
import { capture } from './site.ts';

/** A rotary embedding and the place of its call. */
export type RopeSpec = Rope & { readonly site: ReturnType<typeof capture> };

/** Options of `rope`. */
export interface RopeOptions {
  /**
   * `half` rotates features (i, i + dims/2), as Llama in Hugging Face's format; `adjacent` rotates
   * (2i, 2i + 1), as the paper. Default: `half`.
   */
  readonly pairing?: Rope['pairing'] | undefined;
  /** Rotates only the first `dims` features of each head, as GPT-NeoX. Default: all. */
  readonly dims?: number | undefined;
  /** A result of one of the functions of `ropeScaling`. Default: no scaling. */
  readonly scaling?: RopeScaling | undefined;
}

const scalingKind: Kind = {
  words: 'a scaling of RoPE',
  example:
    'ropeScaling.linear(4), ropeScaling.llama3({ ... }), ropeScaling.yarn({ ... }) or ropeScaling.factors([...])',
  keys: ['kind'],
  holds: (value) => isOriginal(value) && 'kind' in (value as object) && !('executions' in (value as object)),
};

/**
 * Rotary position embedding (RoFormer, arXiv 2104.09864): rotates pair i of a head by position *
 * theta^(-2i/dims). The compiler computes its cosines and sines in f64 and stores them as a table.
 * The layer that uses it checks the ranges: L118, L140, L141.
 *
 * @example
 * gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000, { dims: 8 }) });
 */
export const rope = declared(
  'rope',
  {
    theta: number('rope(10_000)'),
    options: optional(
      options(
        {
          pairing: optional(oneOf('half', 'adjacent')),
          dims: optional(number('dims: 16')),
          scaling: optional(scalingKind),
        },
        'rope(10_000, { dims: 16 })',
      ),
    ),
  },
  (theta: number, { pairing = 'half', dims, scaling }: RopeOptions = {}): RopeSpec =>
    original({
      theta,
      pairing,
      ...(dims === undefined ? {} : { dims }),
      ...(scaling === undefined ? {} : { scaling }),
      site: capture(),
    }),
);

/** The result of `rope`, as an argument. */
export const ropeSpec: Kind = {
  words: 'a rotary embedding',
  example: 'rope(10_000)',
  keys: ['theta', 'pairing', 'site'],
  holds: (value) => isOriginal(value) && 'theta' in (value as object),
};

const listOfNumbers: Kind = {
  words: 'a list of numbers without gaps',
  example: 'ropeScaling.factors([1, 1, 2, 4])',
  holds: (value) => isListOf(value, (each) => typeof each === 'number'),
};

/** Options of `ropeScaling.llama3`. */
export interface Llama3Options {
  /** Divisor of the lowest frequencies. */
  readonly factor: number;
  /** Frequencies with fewer turns than this within `originalContext` are divided by `factor`. */
  readonly lowFreqFactor: number;
  /** Frequencies with more turns than this within `originalContext` stay. */
  readonly highFreqFactor: number;
  /** The context of the model before its extension, in tokens. */
  readonly originalContext: number;
}

/** Options of `ropeScaling.yarn`. */
export interface YarnOptions {
  /** Divisor of the lowest frequencies. */
  readonly factor: number;
  /** The context of the model before its extension, in tokens. */
  readonly originalContext: number;
  /** Frequencies with more turns than this within `originalContext` stay. Default: 32. */
  readonly betaFast?: number | undefined;
  /**
   * Frequencies with fewer turns than this within `originalContext` are divided by `factor`.
   * Default: 1.
   */
  readonly betaSlow?: number | undefined;
  /** Multiplies cosines and sines. Default: 0.1 ln(factor) + 1, or 1 for a factor up to 1. */
  readonly attentionFactor?: number | undefined;
}

/** Options of `ropeScaling.factors`. */
export interface FactorsOptions {
  /** Multiplies cosines and sines. Default: 1. */
  readonly attentionFactor?: number | undefined;
}

/**
 * The scalings of released models' frequencies for longer contexts, named by `rope_scaling` in
 * `config.json`. `originalContext` is `original_max_position_embeddings` there. The layer that uses
 * the embedding checks the ranges: L141.
 */
export const ropeScaling = {
  /**
   * Every frequency divided by `factor` (position interpolation, arXiv 2306.15595).
   *
   * @example
   * const scaling = ropeScaling.linear(4);
   * const layer = block(
   *   [t, d],
   *   () => ({ attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000, { scaling }) }) }),
   *   (w, x) => residual(x, (x) => w.attn(x)),
   * );
   */
  linear: declared(
    'ropeScaling.linear',
    { factor: number('ropeScaling.linear(4)') },
    (factor: number): RopeScaling => original({ kind: 'linear', factor }),
  ),
  /**
   * Llama 3.1 and 3.2: frequencies of wavelengths above originalContext / lowFreqFactor are divided
   * by `factor`; those below originalContext / highFreqFactor stay; those between are blended.
   *
   * @example
   * const scaling = ropeScaling.llama3({ factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 });
   * const layer = block(
   *   [t, d],
   *   () => ({ attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000, { scaling }) }) }),
   *   (w, x) => residual(x, (x) => w.attn(x)),
   * );
   */
  llama3: declared(
    'ropeScaling.llama3',
    {
      options: options(
        {
          factor: number('factor: 32'),
          lowFreqFactor: number('lowFreqFactor: 1'),
          highFreqFactor: number('highFreqFactor: 4'),
          originalContext: number('originalContext: 8192'),
        },
        'ropeScaling.llama3({ factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 })',
      ),
    },
    (given: Llama3Options): RopeScaling => original({ kind: 'llama3', ...given }),
  ),
  /**
   * YaRN (arXiv 2309.00071): frequencies of pairs with fewer than betaSlow turns within
   * originalContext are divided by `factor`; those with more than betaFast turns stay; those
   * between are blended. Cosines and sines are multiplied by `attentionFactor`.
   *
   * @example
   * const scaling = ropeScaling.yarn({ factor: 4, originalContext: 32_768 });
   * const layer = block(
   *   [t, d],
   *   () => ({ attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000, { scaling }) }) }),
   *   (w, x) => residual(x, (x) => w.attn(x)),
   * );
   */
  yarn: declared(
    'ropeScaling.yarn',
    {
      options: options(
        {
          factor: number('factor: 4'),
          originalContext: number('originalContext: 32_768'),
          betaFast: optional(number('betaFast: 32')),
          betaSlow: optional(number('betaSlow: 1')),
          attentionFactor: optional(number('attentionFactor: 1')),
        },
        'ropeScaling.yarn({ factor: 4, originalContext: 32_768 })',
      ),
    },
    ({
      factor,
      originalContext,
      betaFast = 32,
      betaSlow = 1,
      attentionFactor = factor > 1 ? 0.1 * Math.log(factor) + 1 : 1,
    }: YarnOptions): RopeScaling =>
      original({ kind: 'yarn', factor, originalContext, betaFast, betaSlow, attentionFactor }),
  ),
  /**
   * The frequency of each pair is divided by its factor: LongRoPE's `short_factor` or
   * `long_factor`, or `rope_freqs` of a GGUF file.
   *
   * @example
   * const scaling = ropeScaling.factors([1, 1, 1, 1, 2, 2, 4, 4]);
   * const layer = block(
   *   [t, d],
   *   () => ({ attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000, { scaling }) }) }),
   *   (w, x) => residual(x, (x) => w.attn(x)),
   * );
   */
  factors: declared(
    'ropeScaling.factors',
    {
      factors: listOfNumbers,
      options: optional(
        options(
          { attentionFactor: optional(number('attentionFactor: 1')) },
          'ropeScaling.factors([1, 1, 2, 4], { attentionFactor: 1.19 })',
        ),
      ),
    },
    (factors: readonly number[], { attentionFactor = 1 }: FactorsOptions = {}): RopeScaling =>
      original({ kind: 'factors', factors: [...factors], attentionFactor }),
  ),
} as const;
