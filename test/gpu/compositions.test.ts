/**
 * Compositions in the loop interpreter, which needs no GPU. `npm run test:gpu` runs them with
 * drivers.
 */
import { describe, test } from 'vitest';
import { follows } from '../conformance/follows.ts';
import { attentionCompositions, compositions } from './compositions.ts';
import { interpreted } from './machine.ts';

describe.each(compositions)('$name', ({ graph, setting, profile, tolerance }) => {
  test('follows the oracle', () => follows(interpreted(profile), graph, setting, tolerance, 3));
});

describe.each(attentionCompositions)('$name', ({ graph, setting, profile, tolerance }) => {
  test('follows the oracle', () => follows(interpreted(profile), graph, setting, tolerance, 12));
});
