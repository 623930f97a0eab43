/**
 * The GGUF format, shared by reader and writer (github.com/ggml-org/ggml, docs/gguf.md). A file
 * consists of: magic, version, count of tensors, count of metadata pairs, the pairs, one record per
 * tensor, and the tensor data, each tensor at a multiple of the alignment. All numbers are
 * little-endian. A string is its length in bytes (u64) and UTF-8. An array is the type of its
 * items, their count (u64) and the items. A tensor record lists the innermost axis first.
 */
export const MAGIC = 'GGUF';
/** The version that is written. Version 2 has the same layout; version 1 has 32-bit counts. */
export const VERSION = 3;
/** The alignment of files without `general.alignment`. */
export const ALIGNMENT = 32;
/** ggml's limit for the axes of a tensor. */
export const MAX_AXES = 4;

/** The numbers of the types of metadata values. */
export const VALUE_TYPE = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** The kinds of tokens in `tokenizer.ggml.token_type`. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The first multiple of `alignment` that is not below `offset`. */
export function aligned(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Whether a path has the name of a GGUF file. */
export function isGguf(spec: string): boolean {
  return /\.gguf$/i.test(spec);
}
