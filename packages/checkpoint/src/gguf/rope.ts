/**
 * Reads RoPE from a GGUF file: base, rotated features and scaling from the metadata, Llama 3's
 * factors from a tensor.
 */
import type { Rope, RopeScaling } from '../decoder/decoder.ts';
import type { Keys } from './keys.ts';

/**
 * RoPE for heads of `headDim` features; `theta` is the default base. Throws L206 for values that a
 * `Decoder` cannot express.
 */
export function ropeOf(keys: Keys, headDim: number, theta: number): Rope {
  const dims = keys.size('rope.dimension_count', 'heads', headDim);
  if (dims % 2 !== 0 || dims > headDim) {
    throw keys.refuse(`RoPE turns ${dims} of ${headDim} features`, 'an even number of the features of a head');
  }
  keys.passOver('rope.scaling.finetuned');
  const base = keys.positive('rope.freq_base', 1e12, theta);
  return {
    theta: base,
    pairing: 'half',
    dims: dims === headDim ? null : dims,
    scaling: scalingOf(keys, base, dims),
  };
}

function scalingOf(keys: Keys, theta: number, dims: number): RopeScaling | null {
  keys.only('rope.scaling.yarn_ext_factor', [1], 'YaRN with another mix');
  keys.only('rope.scaling.yarn_attn_factor', [1], 'YaRN with two factors for attention');
  const type = keys.text('rope.scaling.type', 'none');
  // multiplies cos and sin
  const attentionFactor = keys.positive('rope.scaling.attn_factor', 1e6, 1);
  const betaFast = keys.positive('rope.scaling.yarn_beta_fast', 1e6, 32);
  const betaSlow = keys.positive('rope.scaling.yarn_beta_slow', 1e6, 1);
  const original = keys.count('rope.scaling.original_context_length', 'context', 0);
  if (type === 'none') {
    for (const key of ['rope.scaling.factor', 'rope.scale_linear']) keys.only(key, [0, 1], 'scaled RoPE');
    return factorsOf(keys, theta, dims, attentionFactor);
  }
  const remedy = 'the graph written by hand';
  if (type !== 'linear' && type !== 'yarn') {
    throw keys.refuse(`rope.scaling.type is ${type}`, `a checkpoint with none, linear or yarn, or ${remedy}`);
  }
  if (keys.ropeFactors !== null)
    throw keys.refuse(`rope.scaling.type is ${type}, and it has rope_freqs.weight`, remedy);
  const factor = keys.positive('rope.scaling.factor', 1e6);
  if (type === 'linear') {
    if (attentionFactor === 1) return { kind: 'linear', factor };
    throw keys.refuse(`rope.scaling.type is linear, with a factor of ${attentionFactor} for attention`, remedy);
  }
  const originalContext = original === 0 ? keys.size('context_length', 'context') : original;
  // llama.cpp multiplies its key by YaRN's own factor
  const whole = attentionFactor === 1 ? null : attentionFactor * (0.1 * Math.log(factor) + 1);
  return { kind: 'yarn', factor, originalContext, betaFast, betaSlow, attentionFactor: whole };
}

/** The constants of Llama 3.1 and 3.2; only the factor differs (8 or 32). */
const llama3 = { lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 };

/**
 * Reads the divisors of the frequencies, [dims / 2], from their tensor. For Llama 3 the converter
 * writes only these divisors, without the four numbers behind them. This recovers the numbers, so
 * that the graph file shows them.
 */
function factorsOf(keys: Keys, theta: number, dims: number, attentionFactor: number): RopeScaling | null {
  const { ropeFactors } = keys;
  if (ropeFactors === null && attentionFactor === 1) return null;
  const factors = ropeFactors === null ? Array.from({ length: dims / 2 }, () => 1) : [...ropeFactors];
  if (factors.length !== dims / 2 || !factors.every((each) => each > 0 && Number.isFinite(each))) {
    const remedy = 'fetching it again';
    throw keys.refuse(`its rope_freqs.weight are not ${dims / 2} numbers above 0`, remedy);
  }
  const factor = Math.max(...factors);
  const { lowFreqFactor, highFreqFactor, originalContext } = llama3;
  const isLlama3 = factors.every((each, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / dims);
    const smooth = (originalContext / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    const expected = smooth >= 1 ? 1 : smooth <= 0 ? factor : 1 / ((1 - smooth) / factor + smooth);
    return Math.abs(each / expected - 1) < 1e-4;
  });
  if (isLlama3 && factor > 1 && attentionFactor === 1) return { kind: 'llama3', factor, ...llama3 };
  return { kind: 'factors', factors, attentionFactor };
}
