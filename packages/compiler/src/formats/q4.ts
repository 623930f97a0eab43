/**
 * q4: codes of four bits, -8..7, in groups (`groups.ts`). A vector has 4 rows x 8 columns: a byte
 * holds column k in its low half and column k + 4 in its high half, each as code + 8.
 */
import { apply, i32, plus, remainder, sub, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { ByteCodes, GroupCodes, LoadCodes } from './group-codes.ts';
import { relaxedProducts, sdotProducts, vnniProducts } from './group-products.ts';
import { q4Quantiser } from './group-quantiser.ts';
import { inGroups } from './groups.ts';

const EXCESS = 8;

const words = (load: LoadCodes, mask: Expr): readonly [Expr, Expr] => {
  const w = load(0, 'i8x16');
  return [apply('nibblesLow', w, mask), apply('nibblesHigh', w, mask)];
};

/** Arm shifts bytes in one instruction; x86 would take several, but shifts 16 bits. */
const onArm: ByteCodes = {
  products: sdotProducts(true),
  mask: 15,
  operands(load, mask) {
    const w = load(0, 'i8x16');
    return [apply('nibblesLow', w, mask), apply('shrBytes', w, i32(4))];
  },
};

const codes: GroupCodes = {
  name: 'q4',
  bits: 4,
  excess: EXCESS,
  largest: 7 * 65_504,
  uses: ['relaxed', 'vnni', 'sdot'],
  sums: (features) => ({ factor: -EXCESS, as: features.has('vnni') || features.has('sdot') ? 'whole' : 'pairs' }),
  bytes: (features) => {
    if (features.has('sdot')) return onArm;
    if (!features.has('relaxed')) return null;
    return { products: features.has('vnni') ? vnniProducts : relaxedProducts, mask: 15, operands: words };
  },
  quantiser: q4Quantiser,
  place: (r, i) => ({ byte: r * 4 + (i % 4), shift: i < 4 ? 0 : 4 }),
  byteOf: (r, i) => plus(times(r, 4), remainder(i, 4)),
  codeIn(byte, i) {
    const half = apply('select', apply('less', i, i32(4)), i32(1), i32(16));
    return sub(remainder(apply('quotient', apply('and', byte, i32(255)), half), 16), i32(EXCESS));
  },
  masks: { words: 15, pairs: 15 },
  words,
  pairs(b, load, mask) {
    const [low, high] = words(load, mask).map((word) => {
      const w = b.let('nibbles', word);
      return [apply('widenLow', w), apply('widenHigh', w)];
    });
    return [low!, high!];
  },
};

export const q4Format = inGroups(codes);
