/**
 * Reads weights that are a part of a checkpoint's tensor (`Stored`), without reading the rest of
 * the tensor.
 */
import { elementCount, storedRuns, type Weight } from '@lamella/graph/ir';

/**
 * The values of a weight, f32 row-major. `read` fills an array with consecutive elements of a
 * tensor.
 */
export async function readWeight(
  { name, shape, stored }: Pick<Weight, 'name' | 'shape' | 'stored'>,
  read: (tensor: string, from: number, into: Float32Array) => Promise<void>,
): Promise<Float32Array> {
  const values = new Float32Array(elementCount(shape));
  if (!stored) {
    await read(name, 0, values);
    return values;
  }
  let at = 0;
  for (const { from, count } of storedRuns(stored)) {
    await read(stored.tensor, from, values.subarray(at, at + count));
    at += count;
  }
  return stored.plus === 0 ? values : values.map((value) => value + stored.plus);
}
