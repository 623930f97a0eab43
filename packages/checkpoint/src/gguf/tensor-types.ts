/**
 * The tensor types of ggml: their numbers in a file, values and bytes per block, and conversion to
 * f32. Each row of a tensor is a whole number of blocks. The list includes types that cannot be
 * read, so that messages can name them.
 */
import { type Dtype, type Dtypes, floats } from '../dtypes.ts';
import {
  dequantiseIQ4_NL,
  dequantiseQ4_0,
  dequantiseQ4_1,
  dequantiseQ5_0,
  dequantiseQ5_1,
  dequantiseQ8_0,
} from './blocks.ts';
import { dequantiseQ4_K, dequantiseQ5_K, dequantiseQ6_K } from './super-blocks.ts';

export interface TensorType extends Omit<Dtype, 'widen'> {
  readonly id: number;
  readonly name: string;
  /** Null if the type cannot be read. */
  readonly widen: Dtype['widen'] | null;
}

function type(
  id: number,
  name: string,
  blockValues: number,
  blockBytes: number,
  widen: Dtype['widen'] | null = null,
): TensorType {
  return { id, name, blockValues, blockBytes, widen };
}

const types: readonly TensorType[] = [
  type(0, 'F32', 1, 4, floats.get('F32')!.widen),
  type(1, 'F16', 1, 2, floats.get('F16')!.widen),
  type(2, 'Q4_0', 32, 18, dequantiseQ4_0),
  type(3, 'Q4_1', 32, 20, dequantiseQ4_1),
  type(6, 'Q5_0', 32, 22, dequantiseQ5_0),
  type(7, 'Q5_1', 32, 24, dequantiseQ5_1),
  type(8, 'Q8_0', 32, 34, dequantiseQ8_0),
  type(9, 'Q8_1', 32, 40),
  type(10, 'Q2_K', 256, 84),
  type(11, 'Q3_K', 256, 110),
  type(12, 'Q4_K', 256, 144, dequantiseQ4_K),
  type(13, 'Q5_K', 256, 176, dequantiseQ5_K),
  type(14, 'Q6_K', 256, 210, dequantiseQ6_K),
  type(15, 'Q8_K', 256, 292),
  type(16, 'IQ2_XXS', 256, 66),
  type(17, 'IQ2_XS', 256, 74),
  type(18, 'IQ3_XXS', 256, 98),
  type(19, 'IQ1_S', 256, 50),
  type(20, 'IQ4_NL', 32, 18, dequantiseIQ4_NL),
  type(21, 'IQ3_S', 256, 110),
  type(22, 'IQ2_S', 256, 82),
  type(23, 'IQ4_XS', 256, 136),
  type(24, 'I8', 1, 1),
  type(25, 'I16', 1, 2),
  type(26, 'I32', 1, 4),
  type(27, 'I64', 1, 8),
  type(28, 'F64', 1, 8),
  type(29, 'IQ1_M', 256, 56),
  type(30, 'BF16', 1, 2, floats.get('BF16')!.widen),
  type(34, 'TQ1_0', 256, 54),
  type(35, 'TQ2_0', 256, 66),
  type(39, 'MXFP4', 32, 17),
  type(40, 'NVFP4', 64, 36),
];

/** Types by their numbers in a file. */
export const tensorTypes: ReadonlyMap<number, TensorType> = new Map(types.map((each) => [each.id, each]));

/** The type that ggml calls `name`. */
export function tensorType(name: string): TensorType {
  const found = types.find((each) => each.name === name);
  if (!found) throw new Error(`ggml has no tensor type ${name}`);
  return found;
}

/** The types that can be read, by ggml's names. */
export const ggmlDtypes: Dtypes = new Map(
  types.flatMap(({ name, blockValues, blockBytes, widen }) =>
    widen ? [[name, { blockValues, blockBytes, widen }] as const] : [],
  ),
);
