/**
 * Limits of a model's size. Real models have a hundredth of them; without limits, a typing mistake
 * such as `stack(1_000_000, layer)` would compute for minutes before it fails.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Site } from '@lamella/graph/ir';

export const mostWeightSets = 4096;
export const mostExecutions = 16_384;
export const mostOperations = 4096;
/** Kernels unroll the taps of a convolution; released models have 3 or 4. */
export const mostTaps = 64;
/**
 * Kernels unroll the query heads that read one head of keys and values; released models have at most
 * 71 (Falcon-7B).
 */
export const mostQueriesPerKey = 128;

/** Throws L127 if `count` is above `most`. */
export function checkCount(
  what: string,
  count: number,
  most: number,
  where: { readonly place?: string; readonly site: Site | null },
): void {
  if (count > most) throw new LamellaError('L127', { what, count, most, remedy: `at most ${most}` }, where);
}
