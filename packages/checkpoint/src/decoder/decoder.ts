/**
 * A decoder-only transformer by its features. Readers of other formats (`config.json`, GGUF metadata) produce this, and
 * `write-graph.ts` turns it into a graph file: so a family is one reader, and a feature is written in one place.
 */
import type { RopeScaling as GraphScaling } from '@lamella/graph/ir';

/** RMSNorm or LayerNorm over all features. */
export interface Norm {
  readonly kind: 'rms' | 'layer';
  readonly eps: number;
  /** Added to the stored gain, as Gemma does: x / rms(x) * (offset + gain). */
  readonly offset: 0 | 1;
}

type Yarn = Extract<GraphScaling, { readonly kind: 'yarn' }>;

/** The graph's scalings of RoPE; YaRN's attention factor may be left to the DSL (null), which computes it from `factor`. */
export type RopeScaling =
  | Exclude<GraphScaling, Yarn>
  | (Omit<Yarn, 'attentionFactor'> & { readonly attentionFactor: number | null });

export interface Rope {
  readonly theta: number;
  readonly pairing: 'half' | 'adjacent';
  /** Features of a head that rotate; null for all. */
  readonly dims: number | null;
  readonly scaling: RopeScaling | null;
}

/** RMSNorm of queries and keys. */
export interface QueryKeyNorm {
  /** Over each head, or over the whole projection. */
  readonly over: 'head' | 'projection';
  readonly before: 'rope' | 'attention';
  /** Without a gain there is no weight. */
  readonly gain: boolean;
  readonly eps: number;
  readonly offset: 0 | 1;
}

/** Causal grouped-query attention and its projections. */
export interface Attention {
  readonly kind: 'attention';
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly bias: { readonly qkv: boolean; readonly out: boolean };
  /** Query, key and value weights as one tensor: all queries, all keys, all values; or head by head. */
  readonly fused: 'rows' | 'heads' | null;
  readonly norm: QueryKeyNorm | null;
  readonly rope: Rope | null;
  /** Multiplies q.k; null for 1 / sqrt(headDim). */
  readonly scale: number | null;
  /** Positions that a query sees, its own included; null for all before it. */
  readonly window: number | null;
  /** cap * tanh(score / cap). */
  readonly softcap: number | null;
}

/** LFM2's gated short convolution: out(c * conv(b * x)) with b, c, x from one projection. */
export interface ShortConv {
  readonly kind: 'conv';
  readonly taps: number;
  readonly bias: boolean;
}

export type Activation = 'silu' | 'gelu' | 'geluTanh' | 'relu';

/** down(act(gate(x)) * up(x)), or down(act(up(x))) without a gate. */
export interface FeedForward {
  readonly ff: number;
  readonly activation: Activation;
  readonly gated: boolean;
  /** Gate and up as one tensor, gate first. */
  readonly fused: boolean;
  readonly bias: boolean;
}

/** Checkpoint names of what a block holds; those that a block has not are unused. */
export interface BlockNames {
  readonly mixerNorm: string;
  readonly mixer: string;
  readonly mixerPostNorm: string;
  readonly feedForwardNorm: string;
  readonly feedForward: string;
  readonly feedForwardPostNorm: string;
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly qkv: string;
  readonly out: string;
  readonly qNorm: string;
  readonly kNorm: string;
  readonly gate: string;
  readonly up: string;
  readonly gateUp: string;
  readonly down: string;
}

/** One kind of block. */
export interface BlockShape {
  /** The constant of the graph file, e.g. `layer`, `local`. */
  readonly name: string;
  readonly mixer: Attention | ShortConv | null;
  readonly feedForward: FeedForward;
  /**
   * Where norms stand: before each half (`pre`), behind it (`post`), both (`sandwich`), or before both halves, which read
   * the same x (`parallel`).
   */
  readonly norms: 'pre' | 'post' | 'sandwich' | 'parallel';
  readonly norm: Norm;
  /** Multiplies what each half adds to the residual stream. */
  readonly residualScale: number | null;
  readonly names: BlockNames;
}

export interface Decoder {
  /** What the source calls the family, e.g. `llama`. */
  readonly modelType: string;
  readonly d: number;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /**
   * Set if the checkpoint's own context is longer: `key` is the reason, because longer sequences
   * would need maths that a graph cannot express.
   */
  readonly limited?: { readonly key: string; readonly from: number };
  readonly kinds: readonly BlockShape[];
  /** Index into `kinds` of each weight set, in order. */
  readonly layers: readonly number[];
  /** Each weight set runs this often in a row. */
  readonly repeats: number;
  readonly embedding: {
    readonly name: string;
    /** Multiplies the rows. */
    readonly scale: number | null;
    /**
     * The table has rows of `rank` features: the linear `into` widens them to d, and `outOf`
     * narrows what the head reads.
     */
    readonly factors?: { readonly rank: number; readonly into: string; readonly outOf: string };
  };
  readonly finalNorm: Norm;
  readonly head: {
    /** The embedding table is the head. */
    readonly tied: boolean;
    readonly bias: boolean;
    /** Multiplies the logits. */
    readonly scale: number | null;
    /** cap * tanh(logit / cap). */
    readonly softcap: number | null;
  };
  readonly names: {
    /** All names but the head's start with it. */
    readonly prefix: string;
    readonly layers: string;
    readonly norm: string;
    readonly head: string;
  };
}
