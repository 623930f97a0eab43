/** Which constants a graph may hold: kernels compute in f32, where other numbers would silently become infinite or zero. */

/** The smallest of f32's normal numbers; a GPU may take what is smaller for zero. */
const smallest = 2 ** -126;

/** Whether `value` is zero or keeps its size in f32. */
export function isF32(value: number): boolean {
  const size = Math.abs(Math.fround(value));
  return value === 0 || (size >= smallest && Number.isFinite(size));
}

/** Whether `value` is positive and keeps its size in f32. */
export function isPositiveF32(value: number): boolean {
  return value > 0 && isF32(value);
}
