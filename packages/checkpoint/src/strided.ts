/**
 * Reads views of a storage whose elements are not in row-major order: transposed views, views with
 * gaps, and expanded views, which repeat elements. Strides count elements and are not negative.
 */

export interface View {
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/**
 * Elements of the storage from the view's first to its last, including any between them; 0 for a
 * view without elements.
 */
export function spanOf({ shape, stride }: View): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * stride[axis]!, 1);
}

/** Whether the view's elements are contiguous and in row-major order. */
export function isRowMajor({ shape, stride }: View): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && stride[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

/**
 * Fills `into` with the view's elements in row-major order, starting at element `from`. `span`
 * holds the elements that `spanOf` counts.
 */
export function gather(span: Float32Array, { shape, stride }: View, from: number, into: Float32Array): void {
  const index = shape.map(() => 0);
  let rest = from;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  let at = index.reduce((sum, i, axis) => sum + i * stride[axis]!, 0);
  for (let i = 0; i < into.length; i++) {
    into[i] = span[at]!;
    // advance to the next element: the last axis moves on; an axis at its end starts again and the
    // axis before it moves
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1;
      at += stride[axis]!;
      if (index[axis]! < shape[axis]!) break;
      at -= shape[axis]! * stride[axis]!;
      index[axis] = 0;
    }
  }
}
