/**
 * The cosines and sines of a rotary embedding (arXiv 2104.09864), computed in f64 and stored in
 * f32. Kernels look them up, so every target uses the same bits. `RopeScaling` describes the
 * scalings; the formulas follow the released code of each model.
 */
import type { RopeScaling } from '@lamella/graph/ir';
import type { RopeTable } from './program/ir.ts';

/**
 * cos, then sin, f32 [context, stride] each; padding is zero. A pair that is not rotated has cos 1
 * and sin 0.
 */
export function ropeTable(table: RopeTable, context: number): Uint8Array {
  const { headDim, dims, stride } = table;
  const values = new Float32Array(2 * context * stride);
  const speeds = frequencies(table);
  const size = amplitude(table.scaling);
  for (let p = 0; p < context; p++) {
    for (let i = 0; i < headDim / 2; i++) {
      const isTurned = i < dims / 2;
      const angle = isTurned ? p * speeds[i]! : 0;
      values[p * stride + i] = isTurned ? Math.cos(angle) * size : 1;
      values[(context + p) * stride + i] = Math.sin(angle) * size;
    }
  }
  return new Uint8Array(values.buffer);
}

/** The frequency of each rotated pair, in radians per token: [dims / 2]. */
export function frequencies({
  theta,
  dims,
  scaling,
}: Pick<RopeTable, 'theta' | 'dims' | 'scaling'>): readonly number[] {
  const plain = Array.from({ length: dims / 2 }, (_, i) => theta ** ((-2 * i) / dims));
  if (scaling === null) return plain;
  const factorAt = factorOf(scaling, { theta, dims });
  return plain.map((speed, i) => speed * factorAt(speed, i));
}

/** The factor of a pair's frequency. */
function factorOf(
  scaling: RopeScaling,
  { theta, dims }: Pick<RopeTable, 'theta' | 'dims'>,
): (speed: number, pair: number) => number {
  switch (scaling.kind) {
    case 'linear':
      return () => 1 / scaling.factor;
    case 'factors':
      return (_, pair) => 1 / scaling.factors[pair]!;
    case 'llama3': {
      const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling;
      return (speed) => {
        const wave = (2 * Math.PI) / speed;
        if (wave < originalContext / highFreqFactor) return 1;
        if (wave > originalContext / lowFreqFactor) return 1 / factor;
        const kept = (originalContext / wave - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
        return (1 - kept) / factor + kept;
      };
    }
    case 'yarn': {
      const { factor, originalContext, betaFast, betaSlow } = scaling;
      const correction = (turns: number): number =>
        (dims * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(Math.floor(correction(betaFast)), 0);
      const high = Math.min(Math.ceil(correction(betaSlow)), dims - 1);
      const ramp = (pair: number): number => {
        const at = (pair - low) / (low === high ? 0.001 : high - low);
        return Math.max(0, Math.min(1, at));
      };
      return (_, pair) => ramp(pair) / factor + (1 - ramp(pair));
    }
    default:
      return scaling satisfies never;
  }
}

function amplitude(scaling: RopeScaling | null): number {
  return scaling?.kind === 'yarn' || scaling?.kind === 'factors' ? scaling.attentionFactor : 1;
}
