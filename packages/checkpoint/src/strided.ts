/**
 * Views of a storage whose elements do not lie row after row: transposed ones, those with gaps, and expanded ones, which repeat. Strides
 * count elements, and are not negative.
 */

export interface View {
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** Elements of the storage from the view's first to its last, whatever lies between; 0 for a view without elements. */
export function spanOf({ shape, stride }: View): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * stride[axis]!, 1);
}

/** Whether the view's elements lie one after another, in order. */
export function isRowMajor({ shape, stride }: View): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && stride[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

/** Fills `into` with the view's elements from number `from` on, in row-major order. `span` are the elements that `spanOf` counts. */
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
    // the next one: the last axis moves on, and where one is at its end, it starts anew and the one before it moves
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1;
      at += stride[axis]!;
      if (index[axis]! < shape[axis]!) break;
      at -= shape[axis]! * stride[axis]!;
      index[axis] = 0;
    }
  }
}
