/** RoPE in GGUF: its metadata, and the divisors of its frequencies, which llama.cpp reads as a tensor. */
import type { Rope } from '@lamella/checkpoint/decoder/decoder';
import type { Metadata } from './container.ts';

/**
 * The number by which a scaling divides the frequency of each pair; YaRN, which depends on more, is
 * left at 1.
 */
export function divisors({ theta, dims, scaling }: Rope, headDim: number): readonly number[] {
  const width = dims ?? headDim;
  return Array.from({ length: width / 2 }, (_, i) => {
    if (scaling?.kind === 'factors') return scaling.factors[i]!;
    if (scaling?.kind === 'linear') return scaling.factor;
    if (scaling?.kind !== 'llama3') return 1;
    const { factor, lowFreqFactor: low, highFreqFactor: high, originalContext } = scaling;
    const turns = originalContext / (2 * Math.PI * theta ** ((2 * i) / width));
    if (turns > high) return 1;
    if (turns < low) return factor;
    const kept = (turns - low) / (high - low);
    return 1 / (kept + (1 - kept) / factor);
  });
}

/** Multiplies cosines and sines. */
export function attentionFactor({ scaling }: Rope): number {
  if (scaling?.kind === 'factors') return scaling.attentionFactor;
  if (scaling?.kind !== 'yarn') return 1;
  return scaling.attentionFactor ?? yarnFactor(scaling.factor);
}

/** YaRN's own attention factor (arXiv 2309.00071), by which llama.cpp multiplies the one in a file. */
function yarnFactor(factor: number): number {
  return factor > 1 ? 1 + 0.1 * Math.log(factor) : 1;
}

/** The tensor `rope_freqs.weight`, [dims / 2]; null if the scaling needs none. */
export function ropeFactors(rope: Rope | null, headDim: number): Float32Array | null {
  const kind = rope?.scaling?.kind;
  return kind === 'llama3' || kind === 'factors' ? Float32Array.from(divisors(rope!, headDim)) : null;
}

/** The keys of the scaling. A scaling that has no keys is left out, and the file is then refused. */
export function scalingMetadata(rope: Rope): Metadata {
  const f32 = (value: number) => ({ type: 'f32', value }) as const;
  const scaled = (type: string, factor: number) => ({
    'rope.scaling.type': { type: 'string', value: type } as const,
    'rope.scaling.factor': f32(factor),
  });
  const { scaling } = rope;
  switch (scaling?.kind) {
    case undefined:
    case 'llama3':
      return {};
    case 'factors':
      return scaling.attentionFactor === 1 ? {} : { 'rope.scaling.attn_factor': f32(scaling.attentionFactor) };
    case 'linear':
      return scaled('linear', scaling.factor);
    case 'yarn': {
      // llama.cpp's converter writes no betas, and a file without them means 32 and 1
      const { factor, originalContext } = scaling;
      return {
        ...scaled('yarn', factor),
        'rope.scaling.original_context_length': { type: 'u32', value: originalContext },
        'rope.scaling.attn_factor': f32(attentionFactor(rope) / yarnFactor(factor)),
      };
    }
    default:
      return scaling satisfies never;
  }
}
