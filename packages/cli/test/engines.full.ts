/** The other formats of `engines.test.ts`. */
import { sameBits } from './engines.ts';

sameBits([
  ['f32', 'f32'],
  ['q8', 'f32'],
  ['q4', 'f32'],
]);
