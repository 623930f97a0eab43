/**
 * Refuses weights that a format cannot represent and names their place. Clamping them would change
 * the model.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Weight } from '@lamella/graph/ir';
import { anyOf, formatNames } from '@lamella/runtime/choices';
import type { FormatName } from '../program/ir.ts';
import { formats } from './table.ts';

/**
 * Throws L216 for the first element of `values` (row-major, of `weight`) that exceeds the range of
 * `format`.
 */
export function requireInRange(values: Float32Array, { name, shape }: Weight, format: FormatName): void {
  const { largest } = formats[format];
  if (largest === Number.POSITIVE_INFINITY) return;
  const first = values.findIndex((value) => Math.abs(value) > largest);
  if (first < 0) return;
  const columns = shape[1]!;
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  throw new LamellaError('L216', {
    name,
    format,
    count: values.reduce((sum, value) => sum + (Math.abs(value) > largest ? 1 : 0), 0),
    largest,
    value: values[first]!,
    index: `${Math.floor(first / columns)}, ${first % columns}`,
    remedy: anyOf(formatNames.filter((name) => formats[name].largest >= most)),
  });
}
