/** Undoes the row moves of llama.cpp's converter in W_q, W_k and W_qkv. */

import { shown } from '../excerpt.ts';
import type { StoredTensor } from '../tensor-file.ts';
import type { Architecture } from './architectures.ts';
import type { Keys } from './keys.ts';

/**
 * Maps a row at Hugging Face to its row in the file; null if the rows are not moved. Throws L206 if
 * the rows are not whole heads.
 */
export function rowOrder(
  { moved }: Pick<Architecture, 'moved'>,
  part: string,
  tensor: StoredTensor,
  keys: Keys,
): ((row: number) => number) | null {
  if (moved === 'pairs' && (part === 'attn_q' || part === 'attn_k')) {
    const heads = keys.sizeOfAll('attention.head_count', 'heads');
    const count = part === 'attn_q' ? heads : keys.sizeOfAll('attention.head_count_kv', 'heads', heads);
    return fromPairs(rowsPerHead(tensor, 2 * count, keys));
  }
  if (moved === 'heads' && part === 'attn_qkv') {
    const heads = keys.sizeOfAll('attention.head_count', 'heads');
    return fromParts(heads, rowsPerHead(tensor, 3 * heads, keys));
  }
  return null;
}

/** Row i of a head is stored as row 2i, and row i + half as row 2i + 1. */
function fromPairs(half: number): (row: number) => number {
  return (row) => {
    const i = row % (2 * half);
    return row - i + (i < half ? 2 * i : 2 * (i - half) + 1);
  };
}

/** Query, key and value of a head are stored among all queries, all keys and all values. */
function fromParts(heads: number, headDim: number): (row: number) => number {
  return (row) => {
    const head = Math.floor(row / (3 * headDim));
    const part = Math.floor(row / headDim) % 3;
    return (part * heads + head) * headDim + (row % headDim);
  };
}

function rowsPerHead({ name, shape: [rows = 0] }: StoredTensor, groups: number, keys: Keys): number {
  if (rows > 0 && rows % groups === 0) return rows / groups;
  throw keys.refuse(`${shown(name)} has ${rows} rows, and ${groups} do not divide them`, 'fetching it again');
}
