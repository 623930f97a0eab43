/** 200 random graphs over the primitives, others in every run: a failure prints the seed, and the graph in its smallest form. */
import { test } from 'vitest';
import { randomGraphsFollow } from '../conformance/random-graphs-follow.ts';

const seed = Date.now() % 2 ** 31;

test('f32', () => randomGraphsFollow({ quant: 'f32', kv: 'f32' }, 1e-4, { numRuns: 200, seed }));
test('q8, KV q8', () => randomGraphsFollow({ quant: 'q8', kv: 'q8' }, 0.1, { numRuns: 40, seed }));
test('q4, KV q8', () => randomGraphsFollow({ quant: 'q4', kv: 'q8' }, 0.1, { numRuns: 40, seed }));
