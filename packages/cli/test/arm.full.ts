/** The same bits on Arm: packages with each format of weights, and of keys and values. */
import { sameBitsOnArm } from './engines.ts';

sameBitsOnArm([
  ['f32', 'f32'],
  ['q8', 'f32'],
  ['q4', 'q8'],
]);
