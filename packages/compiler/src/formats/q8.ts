/**
 * q8: int8 codes in groups (`groups.ts`). A vector has 4 rows x 4 columns, which suits an exact
 * 16-bit dot, a dot of bytes and a GPU's packed dot.
 */
import { apply, plus, quotient, remainder, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { ByteCodes, GroupCodes, LoadCodes } from './group-codes.ts';
import { sdotProducts, vnniProducts } from './group-products.ts';
import { q8Quantiser } from './group-quantiser.ts';
import { inGroups } from './groups.ts';

const VECTOR_BYTES = 16;

const words = (load: LoadCodes): readonly [Expr, Expr] => [load(0, 'i8x16'), load(VECTOR_BYTES, 'i8x16')];

/** AVX-VNNI takes unsigned bytes: codes raised by 128. */
const raised: ByteCodes = {
  products: vnniProducts,
  mask: -128,
  operands(load, mask) {
    const [low, high] = words(load);
    return [apply('raiseBytes', low, mask), apply('raiseBytes', high, mask)];
  },
};
/** Arm takes codes as they are, -128 included: activations are never below -127. */
const onArm: ByteCodes = { products: sdotProducts(false), mask: null, operands: words };

const codes: GroupCodes = {
  name: 'q8',
  bits: 8,
  excess: 0,
  largest: 127 * 65_504,
  uses: ['vnni', 'sdot'],
  sums: (features) => (codes.bytes(features) === raised ? { factor: -128, as: 'whole' } : null),
  bytes: (features) => (features.has('sdot') ? onArm : features.has('vnni') ? raised : null),
  quantiser: q8Quantiser,
  place: (r, i) => ({ byte: Math.floor(i / 4) * VECTOR_BYTES + r * 4 + (i % 4), shift: 0 }),
  byteOf: (r, i) => plus(times(quotient(i, 4), VECTOR_BYTES), plus(times(r, 4), remainder(i, 4))),
  codeIn: (byte) => byte,
  masks: { words: null, pairs: null },
  words,
  pairs: (_, load) => [
    [load(0, 'i16x8'), load(8, 'i16x8')],
    [load(16, 'i16x8'), load(24, 'i16x8')],
  ],
};

export const q8Format = inGroups(codes);
