/** The rest of `engines.test.ts`: every other format. */
import { sameBits } from './engines.ts';

sameBits([
  ['f32', 'f32'],
  ['q8', 'f32'],
  ['q4', 'f32'],
]);
