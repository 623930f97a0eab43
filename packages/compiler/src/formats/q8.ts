/**
 * q8: int8 codes in groups (`groups.ts`). A vector has 4 rows x 4 columns, which suits an exact
 * 16-bit dot, a dot of bytes and a GPU's packed dot.
 */
import { apply, plus, quotient, remainder, times } from '../loops/build.ts';
import type { GroupCodes } from './group-codes.ts';
import { vnniProducts } from './group-products.ts';
import { q8Quantiser } from './group-quantiser.ts';
import { inGroups } from './groups.ts';

const VECTOR_BYTES = 16;

const codes: GroupCodes = {
  name: 'q8',
  bits: 8,
  excess: 0,
  largest: 127 * 65_504,
  uses: ['vnni'],
  // bytes are unsigned there: codes raised by 128
  sums: (features) => (features.has('vnni') ? { factor: -128, as: 'whole' } : null),
  byteProducts: (features) => (features.has('vnni') ? vnniProducts : null),
  quantiser: q8Quantiser,
  place: (r, i) => ({ byte: Math.floor(i / 4) * VECTOR_BYTES + r * 4 + (i % 4), shift: 0 }),
  byteOf: (r, i) => plus(times(quotient(i, 4), VECTOR_BYTES), plus(times(r, 4), remainder(i, 4))),
  codeIn: (byte) => byte,
  masks: { words: null, bytes: -128, pairs: null },
  words: (load) => [load(0, 'i8x16'), load(VECTOR_BYTES, 'i8x16')],
  bytes: (load, mask) => [
    apply('raiseBytes', load(0, 'i8x16'), mask),
    apply('raiseBytes', load(VECTOR_BYTES, 'i8x16'), mask),
  ],
  pairs: (_, load) => [
    [load(0, 'i16x8'), load(8, 'i16x8')],
    [load(16, 'i16x8'), load(24, 'i16x8')],
  ],
};

export const q8Format = inGroups(codes);
