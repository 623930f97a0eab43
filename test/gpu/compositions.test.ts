/**
 * Compositions in the loop interpreter, which needs no GPU. `npm run test:gpu` runs all of them,
 * with drivers.
 */
import { describe, test } from 'vitest';
import { follows } from '../conformance/follows.ts';
import { attentionCompositions, compositions } from './compositions.ts';
import { interpreted } from './machine.ts';

describe.each(compositions)('$name', ({ graph, setting, profile, tolerance }) => {
  test('follows the oracle', () => follows(interpreted(profile), graph, setting, tolerance, 3));
});

// the interpreter takes a minute for the others
const inShort = attentionCompositions.filter(({ name }) => name.endsWith('two-states'));
describe.each(inShort)('$name', ({ graph, setting, profile, tolerance }) => {
  test('follows the oracle', () => follows(interpreted(profile), graph, setting, tolerance, 12));
});
