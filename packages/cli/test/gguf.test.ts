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
import { formatNames } from '@lamella/runtime/choices';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../src/api/compile.ts';
import { loadGraph } from '../src/model/load-graph.ts';
import { findTokenizer } from '../src/model/tokenizer-files.ts';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch } from './lamella.ts';

type Json = Readonly<Record<string, unknown>>;

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

describe.each([
  ['f32', null, []],
  [
    'q8_0',
    'Q8_0: f32 and q8 keep their values, q4 those of tables in Q8_0, and other formats round them again',
    ['q4', 'f16'],
  ],
  ['q4_0', 'Q4_0: f32, q8 and q4 keep their values, and other formats round them again', ['f16']],
] as const)('weights in %s', (type, rest, rounding) => {
  const file = `stored-${type}.gguf`;
  const sentence = rest === null ? '' : `the weights of ${file} are stored as ${rest}\n`;
  beforeAll(() => ok('export', 'hub.ts', '--to', 'gguf', '--weights', 'hub', '--type', type, '--out', file));

  test('import says which formats keep their values', async () => {
    const { stdout } = await ok('import', file, '--out', `stored-${type}.ts`);
    expect(stdout.slice(stdout.indexOf('--weights'))).toBe(`--weights ${file}\n${sentence}`);
  });

  test('run and compile say so for a format that rounds them, when they compile', async () => {
    const run = ['run', file, '--tokens', '1', '--max-tokens', '1', '--quant', 'f16'];
    const first = await ok(...run);
    expect(first.stderr).toContain('compiling');
    expect(first.stderr.includes('are stored as')).toBe(rest !== null);
    expect(first.stderr).toContain(sentence);
    expect((await ok(...run)).stderr).not.toContain('are stored as');
    const graph = await loadGraph(at('hub.ts'));
    for (const quant of formatNames) {
      const notes: string[] = [];
      await compile(graph, { weights: at(file), quant, onNote: (note) => notes.push(note) });
      const expected = rounding.some((each) => each === quant) ? [sentence.trim().replace(file, at(file))] : [];
      expect(notes, quant).toEqual(expected);
    }
  });
});

describe('a tokenizer through a file', () => {
  const edited = async (file: string, edit: (json: Json) => Json) => {
    const path = at('prompted', file);
    await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, 'utf8')))));
  };

  /** A folder with more than the assistant's tokenizer has; what `export` prints about it. */
  async function exported(tokenizer: (json: Json) => Json, config: Json, eos: readonly number[]) {
    await writeHubFolder(at('prompted'), { ...sizes, vocab_size: 262 });
    await edited('tokenizer.json', tokenizer);
    await edited('tokenizer_config.json', (json) => ({ ...json, ...config }));
    await writeFile(at('prompted', 'generation_config.json'), JSON.stringify({ eos_token_id: eos }));
    const out = ['--out', 'prompted.gguf', '--type', 'f16'];
    const { stderr } = await ok('export', 'prompted.ts', '--to', 'gguf', '--weights', 'prompted', ...out);
    const [folder, file] = [await findTokenizer(at('prompted'), 262), await findTokenizer(at('prompted.gguf'), 262)];
    return { stderr, folder: folder!, file: file! };
  }

  const chat_template = [
    { name: 'default', template: '{{ bos_token }}' },
    { name: 'tool_use', template: '{{ eos_token }}' },
  ];

  test('everything that GGUF has is kept, without a note', async () => {
    const config = { chat_template, add_bos_token: false, add_eos_token: true, lamella: {} };
    const { stderr, folder, file } = await exported((json) => json, config, [12, 11, 257]);
    expect(stderr).toBe('');
    expect(folder.files).toMatchObject({ before: [], after: [257], eos: [12, 11, 257] });
    expect(file.files).toMatchObject({ before: [], after: [257], eos: [257, 12, 11] });
    const { bos_token, eos_token } = JSON.parse(folder.config);
    expect(JSON.parse(file.config)).toMatchObject({ chat_template, bos_token, eos_token });
  });

  test('everything else has a note', async () => {
    const word = { id: 260, content: '<word>', single_word: true, special: false, normalized: false };
    const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
    const ids = Object.fromEntries(
      ['<bos>', '<eos>', '<sep>'].map((id, i) => [id, { id, ids: [256 + i], tokens: [id] }]),
    );
    const post_processor = {
      type: 'TemplateProcessing',
      single: [special('<bos>'), special('<sep>'), { Sequence: { id: 'A', type_id: 0 } }, special('<sep>')],
      pair: [],
      special_tokens: ids,
    };
    const { stderr, folder, file } = await exported(
      (json) => ({ ...json, added_tokens: [...(json.added_tokens as readonly object[]), word], post_processor }),
      { lamella: { prompt_prefix: 'Q: ', prompt_suffix: '<sep>' } },
      [12, 11, 10, 257],
    );
    expect(stderr.trim().split('\n')).toEqual([
      'prompt_prefix "Q: " is not in the file, because GGUF has no such text: add it to each prompt',
      'prompt_suffix "<sep>" is not in the file, because GGUF has no such text: add it to each prompt',
      'token 258 is not added before a prompt, because GGUF adds one token there: add it to each prompt',
      'token 258 is not added after a prompt, because GGUF only adds the end token there: add it to each prompt',
      'token 10 is not in the file as the end of an answer, because GGUF has 3 (257, 12, 11): stop there in the program that reads the file',
      'single_word of "<word>" is not in the file, because GGUF has no such flag: such a token is also found inside words',
    ]);
    expect(folder.files).toMatchObject({ before: [256, 258], after: [258], eos: [12, 11, 10, 257] });
    expect(file.files).toMatchObject({ before: [256], after: [], eos: [257, 12, 11], promptPrefix: '' });
  });
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
