/**
 * How large a model may grow. Real ones are a hundredth of this; beyond it a slip of the keyboard (`stack(1_000_000, layer)`) would keep the
 * machine busy for minutes before it fails.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Site } from '@lamella/graph/ir';

export const mostWeightSets = 4096;
export const mostExecutions = 16_384;
export const mostOperations = 4096;

/** Throws L127 when there are more than `most`. */
export function checkCount(
  what: string,
  count: number,
  most: number,
  where: { readonly place?: string; readonly site: Site | null },
): void {
  if (count > most) throw new LamellaError('L127', { what, count, most, remedy: `at most ${most}` }, where);
}
