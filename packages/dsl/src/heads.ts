/** The options that count heads, and the check that heads divide the features of a value. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, Site } from '@lamella/graph/ir';
import { number } from './arguments.ts';
import { checkSize } from './axes.ts';

/** The run-time kinds of these options. */
export const headCounts = {
  heads: number('heads: 9'),
  kvHeads: number('kvHeads: 3'),
  headDim: number('headDim: 64'),
};

/**
 * Throws L102 unless `count` (argument `name` of `call`) is a size, and L124 unless it divides the
 * size of `width`.
 */
export function checkHeads(
  call: string,
  name: 'heads' | 'kvHeads',
  count: number,
  width: Axis,
  where: { readonly place: string; readonly site: Site | null },
): void {
  checkSize(name, count, where);
  if (width.size % count === 0) return;
  const expected = `a divisor of ${width.name}=${width.size}`;
  const remedy = `${name}: ${divisorBelow(width.size, count)}`;
  throw new LamellaError('L124', { call, expected, argument: name, got: count, remedy }, where);
}

/** The largest divisor of `n` that is at most `limit`. */
export function divisorBelow(n: number, limit: number): number {
  let divisor = Math.min(n, limit);
  while (n % divisor !== 0) divisor--;
  return divisor;
}
