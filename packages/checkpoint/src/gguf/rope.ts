/** RoPE as a GGUF file describes it: base, rotated features and scaling in the metadata, Llama 3's factors as a tensor. */
import type { Rope, RopeScaling } from '../decoder/decoder.ts';
import type { Keys } from './keys.ts';

/** RoPE of heads of `headDim` features; `theta` where the file says none. Throws L206 for what cannot be said. */
export function ropeOf(keys: Keys, headDim: number, theta: number): Rope {
  const dims = keys.size('rope.dimension_count', 'heads', headDim);
  if (dims % 2 !== 0 || dims > headDim) {
    throw keys.refuse(`RoPE turns ${dims} of ${headDim} features`, 'an even number of the features of a head');
  }
  keys.passOver('rope.scaling.finetuned');
  return {
    theta: keys.positive('rope.freq_base', 1e12, theta),
    pairing: 'half',
    dims: dims === headDim ? null : dims,
    scaling: scalingOf(keys, dims) ?? llama3Of(keys, dims),
  };
}

function scalingOf(keys: Keys, dims: number): RopeScaling | null {
  keys.only('rope.scaling.attn_factor', [1], 'scaled RoPE with a factor of its own for attention');
  keys.only('rope.scaling.yarn_ext_factor', [1], 'YaRN with another mix');
  keys.only('rope.scaling.yarn_attn_factor', [1], 'YaRN with a factor of its own for attention');
  const type = keys.text('rope.scaling.type', 'none');
  const [betaFast, betaSlow] = [
    keys.positive('rope.scaling.yarn_beta_fast', 1e6, 32),
    keys.positive('rope.scaling.yarn_beta_slow', 1e6, 1),
  ];
  const original = keys.count('rope.scaling.original_context_length', 'context', 0);
  switch (type) {
    case 'none':
      for (const key of ['rope.scaling.factor', 'rope.scale_linear']) keys.only(key, [0, 1], 'scaled RoPE');
      return null;
    case 'linear':
      return { kind: 'linear', factor: keys.positive('rope.scaling.factor', 1e6) };
    case 'yarn': {
      const originalContext = original === 0 ? keys.size('context_length', 'context') : original;
      const factor = keys.positive('rope.scaling.factor', 1e6);
      return { kind: 'yarn', factor, originalContext, betaFast, betaSlow, attentionFactor: null };
    }
    default:
      throw keys.refuse(
        `rope.scaling.type is ${type}, for ${dims} features`,
        'a checkpoint with rope.scaling.type none, linear or yarn, or the graph written by hand',
      );
  }
}

/** What every Llama 3.1 and 3.2 has; the factor is 8 or 32. */
const llama3 = { lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 };

/**
 * Llama 3's scaling. The converter writes what it divides each frequency by, [dims / 2], and not the four numbers that this is computed from;
 * they are found again where they are Llama 3's, and the tensor is refused where they are others.
 */
function llama3Of(keys: Keys, dims: number): RopeScaling | null {
  const divisors = keys.ropeFactors;
  if (divisors === null) return null;
  const theta = keys.positive('rope.freq_base', 1e12, 10_000);
  const factor = divisors.reduce((most, each) => Math.max(most, each), 1);
  const { lowFreqFactor, highFreqFactor, originalContext } = llama3;
  const expected = Array.from({ length: dims / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / dims);
    const smooth = (originalContext / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    if (smooth >= 1) return 1;
    return smooth <= 0 ? factor : 1 / ((1 - smooth) / factor + smooth);
  });
  const alike =
    divisors.length === expected.length && divisors.every((each, i) => Math.abs(each / expected[i]! - 1) < 1e-4);
  if (alike) return { kind: 'llama3', factor, ...llama3 };
  const reason = "its rope_freqs.weight has other factors than Llama 3's";
  throw keys.refuse(reason, 'the graph written by hand, with the scaling of the checkpoint that it was made from');
}
