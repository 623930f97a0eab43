/** The same bits in every engine, of the setting with the most kernels of its own. `engines.full.ts` has the others. */
import { sameBits } from './engines.ts';

sameBits([['q4', 'q8']]);
