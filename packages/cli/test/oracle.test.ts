/** `oracle` of the API: the interpreter's logits for every kind of model that has weights. */
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import { sequence } from '@lamella/graph/oracle/sequence';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { logits, oracle } from '../src/index.ts';
import { loadGraph } from '../src/model/load-graph.ts';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
let file: string;
beforeAll(async () => {
  home = await scratch();
  file = await writeGraph(home.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await home.remove();
});

const tokens = [1, 7, 49, 0];
const weights = 'random:1';

test.each([
  ['f32', 'f32'],
  ['q8', 'q8'],
  ['q4', 'f32'],
] as const)('a graph and its file, as %s with keys and values as %s', async (quant, kv) => {
  const graph = await loadGraph(file);
  const expected = sequence(graph, (weight) => randomTensor(1, weight), tokens, { quant, kv });
  for (const model of [graph, file]) expect(await oracle(model, tokens, { weights, quant, kv })).toEqual(expected);
});

test('the defaults are those of compile', async () => {
  expect(await oracle(file, tokens, { weights })).toEqual(
    await oracle(file, tokens, { weights, quant: 'q8', kv: 'f32' }),
  );
});

test('a checkpoint has its own weights, and its compiled model the same logits', async () => {
  const folder = join(home.path, 'hub');
  await writeHubFolder(folder);
  vi.stubEnv('XDG_CACHE_HOME', join(home.path, 'cache'));
  const expected = (await oracle(folder, tokens, { quant: 'f32' })).at(-1)!;
  const { logits: computed } = await logits(folder, tokens, { quant: 'f32' });
  const largest = Math.max(...expected.map(Math.abs));
  const errors = [...expected].map((logit, id) => Math.abs(logit - (computed[id] as number)));
  expect(Math.max(...errors)).toBeLessThan(1e-4 * largest);
});

test.each([
  ['no weights', {}, tokens, 'L305'],
  ['a token outside the vocabulary', { weights }, [50], 'L402'],
  ['too many tokens for the graph', { weights }, Array<number>(17).fill(1), 'L403'],
  ['too many tokens for the context', { weights, context: 3 }, tokens, 'L403'],
  ['an option of other functions', { weights, threads: 1 }, tokens, 'L305'],
] as const)('it refuses %s', async (_, options, tokens, code) => {
  await expect(oracle(file, tokens, options)).rejects.toThrow(code);
});
