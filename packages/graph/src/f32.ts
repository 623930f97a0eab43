/**
 * The constants that a graph may hold: kernels compute in f32, where any other number would
 * silently become infinite or zero.
 */

/** The smallest normal f32; a GPU may flush smaller numbers to zero. */
const smallest = 2 ** -126;

/** Whether `value` is zero or rounds to a finite, normal f32. */
export function isF32(value: number): boolean {
  const size = Math.abs(Math.fround(value));
  return value === 0 || (size >= smallest && Number.isFinite(size));
}

/** Whether `value` is positive and rounds to a finite, normal f32. */
export function isPositiveF32(value: number): boolean {
  return value > 0 && isF32(value);
}
