/** The types of the loop IR: scalars, 128-bit vectors, and the element types of buffers. */

export type ScalarType = 'i32' | 'f32' | 'bool';
export type VectorType = 'f32x4' | 'i32x4' | 'i16x8' | 'i8x16';
export type Type = ScalarType | VectorType;

/**
 * The type of one element of a buffer in memory. Indices count elements. Halves exist only in
 * memory: a load widens them to f32, exactly, and a store rounds to the nearest, half to even, so
 * nothing is computed in half precision. WASM loads finite halves and stores none; WGSL stores them
 * only to state, and allows a GPU to load subnormal halves as zeros.
 */
export type ElementType = 'f32' | 'f16' | 'i32' | 'i8' | 'u8';

/**
 * Engine features beyond 128-bit SIMD. A kernel that needs a feature is printed only into a variant
 * that has it. With `vnni` and `sdot`, relaxed SIMD's dot of four bytes is exact for any second
 * operand: `vnni` takes it as unsigned (AVX-VNNI), `sdot` as signed (Arm). The loader tests the
 * engine for both.
 */
export type Feature = 'relaxed' | 'vnni' | 'sdot' | 'threads';
export type Features = ReadonlySet<Feature>;

/** Lanes of a type; 1 for scalars. */
export function lanesOf(type: Type): number {
  switch (type) {
    case 'i32':
    case 'f32':
    case 'bool':
      return 1;
    case 'f32x4':
    case 'i32x4':
      return 4;
    case 'i16x8':
      return 8;
    case 'i8x16':
      return 16;
    default:
      return type satisfies never;
  }
}

/** Bytes of one element in memory. */
export function elementBytes(element: ElementType): number {
  if (element === 'f16') return 2;
  return element === 'i8' || element === 'u8' ? 1 : 4;
}
