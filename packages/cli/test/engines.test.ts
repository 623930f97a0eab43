/**
 * The same bits in every engine, for the formats with the most kernels. `engines.full.ts` has the
 * others.
 */
import { sameBits } from './engines.ts';

sameBits([['q4', 'q8']]);
