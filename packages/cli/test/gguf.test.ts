/**
 * A GGUF file in place of a checkpoint or a model: with the weights of a hub folder it is the same
 * model, and exporting, importing and exporting again gives the same file.
 */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWeights } from '@lamella/checkpoint/open';
import { exportGguf } from '@lamella/export/gguf/export';
import { ggufTypes } from '@lamella/export/gguf/tensor-types';
import type { Graph } from '@lamella/graph/ir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadGraph } from '../src/model/load-graph.ts';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
/** Rows of 32, so that all types can be written. */
const sizes = { hidden_size: 32, intermediate_size: 64, head_dim: 8, max_position_embeddings: 64, rope_theta: 500 };
beforeAll(async () => {
  home = await scratch();
  await writeHubFolder(join(home.path, 'hub'), sizes);
  await writeHubFolder(join(home.path, 'untied'), {
    ...sizes,
    tie_word_embeddings: false,
    attention_bias: true,
    mlp_bias: true,
  });
});
afterAll(() => home.remove());

const at = (...parts: readonly string[]) => join(home.path, ...parts);

async function ok(...args: readonly string[]) {
  const { code, stdout, stderr } = await home.lamella(...args);
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}
const json = async (...args: readonly string[]) => JSON.parse((await ok(...args, '--json')).stdout);

/** Exports the graph with the weights of `weights`, in this process. */
async function write(graph: Graph, weights: string, file: string, type: (typeof ggufTypes)[number]): Promise<void> {
  const source = await openWeights(weights, graph);
  const handle = await open(file, 'w');
  try {
    await exportGguf(graph, source, { type }, (bytes) => handle.writeFile(bytes));
  } finally {
    await handle.close();
    await source.close();
  }
}

describe.each(['hub', 'untied'])('the folder %s and a GGUF file of the same weights', (name) => {
  const file = `${name}.gguf`;
  beforeAll(() => ok('export', `${name}.ts`, '--to', 'gguf', '--weights', name, '--out', file));

  test('give the same logits, from the file itself and from the graph imported from it', async () => {
    const logits = async (model: string, ...more: string[]) =>
      (await json('logits', model, '--tokens', '5,66,7,230', '--all', ...more)).logits;
    const expected = await logits(name, '--quant', 'f32');
    expect(await logits(file, '--quant', 'f32')).toEqual(expected);
    await ok('import', file, '--out', `${name}-again.ts`);
    await ok('compile', `${name}-again.ts`, '--weights', file, '--quant', 'f32', '--out', `${name}-package`);
    expect(await logits(`${name}-package`)).toEqual(expected);
  });

  test('give the same figures of the model', async () => {
    const { stdout: hub } = await ok('inspect', name);
    const { stdout: gguf } = await ok('inspect', file);
    expect(gguf).toBe(hub);
  });
});

test('a prompt is read with the tokenizer of the file, which adds BOS', async () => {
  const [bos, bytes] = [256, new TextEncoder().encode('Grüße')];
  const { tokens, text } = await json('run', 'hub.gguf', '--prompt', 'Grüße', '--max-tokens', '6');
  const ids = [bos, ...bytes].join(',');
  expect(await json('run', 'hub.gguf', '--tokens', ids, '--max-tokens', '6')).toMatchObject({ tokens, text });
});

test.each([
  ['f32', ''],
  ['q8_0', 'Its weights are stored as Q8_0. --quant f32 keeps their values exactly. Other formats round them again.\n'],
  [
    'q4_0',
    'Its weights are stored as Q4_0. --quant f32 keeps their values exactly. q4 keeps matrices in Q4_0 exactly, too. Other formats round them again.\n',
  ],
])('import says which formats keep the values of weights in %s', async (type, sentence) => {
  const file = `stored-${type}.gguf`;
  await ok('export', 'hub.ts', '--to', 'gguf', '--weights', 'hub', '--type', type, '--out', file);
  const { stdout } = await ok('import', file, '--out', `stored-${type}.ts`);
  expect(stdout.slice(stdout.indexOf('--weights'))).toBe(`--weights ${file}\n${sentence}`);
});

describe('a file exported, imported and exported again', () => {
  test.each(ggufTypes)('is the same file, byte for byte: %s', async (type) => {
    await mkdir(at('round'), { recursive: true });
    for (const name of ['hub', 'untied']) {
      const graph = await loadGraph(at(`${name}.ts`));
      const [first, second] = [at('round', `${name}-${type}-1.gguf`), at('round', `${name}-${type}-2.gguf`)];
      await write(graph, at(name), first, type);
      await write(graph, first, second, type);
      expect((await readFile(second)).equals(await readFile(first))).toBe(true);
      // Other weights make another file.
      await write(graph, 'random:2', second, type);
      expect((await readFile(second)).equals(await readFile(first))).toBe(false);
    }
  });
});

describe('is refused with a message', () => {
  test('a missing file, a file that is not GGUF, and a damaged file', async () => {
    await home.refuses(['run', 'nowhere.gguf', '--tokens', '1'], 'L308', 'nowhere.gguf', 'it does not exist');
    await writeFile(at('text.gguf'), 'hello, I am a text and no model');
    await home.refuses(['run', 'text.gguf', '--tokens', '1'], 'L220', 'text.gguf', 'does not begin with GGUF');
    await home.refuses(['import', 'text.gguf', '--out', 'x.ts'], 'L220', 'text.gguf');
    const whole = await readFile(at('hub.gguf'));
    await writeFile(at('half.gguf'), whole.subarray(0, whole.length / 2));
    await home.refuses(['run', 'half.gguf', '--tokens', '1'], 'L203', 'half.gguf', 'ends at byte');
    await home.refuses(['compile', 'hub.ts', '--weights', 'half.gguf'], 'L203', 'half.gguf');
  });

  test('a request for parts that the file does not have', async () => {
    await home.refuses(
      ['run', 'hub.gguf', '--tokens', '1', '--context', '65'],
      'L303',
      'the context_length of hub.gguf',
    );
    await home.refuses(['run', 'hub.gguf', '--tokens', '260'], 'L402', '260');
    const graph = await loadGraph(at('hub.ts'));
    await write(graph, at('hub'), at('mute.gguf'), 'f32');
    await home.refuses(
      ['run', 'mute.gguf', '--prompt', 'hello'],
      'L305',
      'mute.gguf has no tokenizer',
      '--tokens 1,2,3',
    );
    await home.refuses(['compile', 'hub.ts', '--weights', 'untied.gguf'], 'L201', 'mlp.gate_proj.bias');
  });

  test('a folder with only such a file names the file; a file in place of a graph names the import command', async () => {
    await mkdir(at('only'));
    await writeFile(at('only', 'm.gguf'), await readFile(at('hub.gguf')));
    await home.refuses(['run', 'only', '--tokens', '1'], 'L308', 'it has m.gguf', 'only/m.gguf');
    await home.refuses(['check', 'hub.gguf'], 'L113', 'lamella import hub.gguf --out GRAPH.ts');
  });
});
