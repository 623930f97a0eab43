/**
 * `import`, `export` and `inspect --html`: the files they write, and the files they leave
 * unchanged.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  await writeGraph(home.path);
});
afterAll(() => home.remove());

const config = {
  model_type: 'mobilellm',
  hidden_size: 16,
  intermediate_size: 24,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 3,
  vocab_size: 50,
  max_position_embeddings: 16,
  rms_norm_eps: 1e-5,
  share_embedding: true,
  layer_sharing: true,
};

test('an imported graph is valid, and is never overwritten: it may have been edited', async () => {
  const folder = join(home.path, 'checkpoint');
  await mkdir(folder);
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const imported = await home.lamella('import', 'checkpoint', '--out', 'models/imported.ts');
  expect(imported.code).toBe(0);
  expect(imported.stdout).toMatch(/ compile models\/imported\.ts --weights checkpoint\n$/);
  const checked = await home.lamella('check', 'models/imported.ts');
  expect(checked.stdout).toMatch(/^checkpoint is well formed: .* 3 weight sets, 6 executions/);
  const refused = (out: string, ...parts: string[]) =>
    home.refuses(['import', 'checkpoint', '--out', out], 'L301', out, ...parts);
  await refused('tiny.ts/x.ts');
  for (const out of ['models/imported.ts', 'tiny.ts', 'models'])
    await refused(out, 'it is already there', 'another name, or removing what is there first');
});

test('a config that cannot be expressed is refused by its key', async () => {
  const folder = join(home.path, 'other');
  await mkdir(folder);
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, alibi: true }));
  await home.refuses(['import', 'other', '--out', 'other.ts'], 'L206', 'other/config.json', 'alibi');
  await home.refuses(['import', 'nowhere', '--out', 'other.ts'], 'L302', 'nowhere/config.json');
});

test('an exported module is written beside other files', async () => {
  await mkdir(join(home.path, 'python'));
  await writeFile(join(home.path, 'python', 'mine.py'), '');
  const { code } = await home.lamella('export', 'tiny.ts', '--to', 'pytorch', '--out', 'python');
  expect(code).toBe(0);
  expect((await readdir(join(home.path, 'python'))).sort()).toEqual([
    'checkpoint.py',
    'events.py',
    'hub.py',
    'logits.py',
    'mine.py',
    'model.py',
    'modeling_lamella.py',
    'quantisation.py',
    'train.py',
  ]);
  expect(await readFile(join(home.path, 'python', 'model.py'), 'utf8')).toContain('class Model(nn.Module)');
  const again = await home.lamella('export', 'tiny.ts', '--to', 'pytorch', '--out', 'python');
  expect(again.code, again.stderr).toBe(0);
  await rm(join(home.path, 'python', 'checkpoint.py'));
  await writeFile(join(home.path, 'python', 'logits.py'), 'print("mine")\n');
  await home.refuses(['export', 'tiny.ts', '--to', 'pytorch', '--out', 'python'], 'L301', 'python/logits.py');
  await home.refuses(['export', 'tiny.ts', '--to', 'onnx', '--out', 'python'], 'L303', '--to', 'pytorch');
  await home.refuses(['export', 'tiny.ts', '--to', 'pytorch', '--out', 'tiny.ts'], 'L301', 'tiny.ts');
});

test.each([
  ['f32', []],
  ['f16', ['--type', 'f16']],
])('a GGUF file in %s, complete or absent', async (type, option) => {
  await writeGraph(home.path, 'llama', (text) =>
    text.replace('mlp: swiglu', 'ffn_norm: rmsNorm(d), mlp: swiglu').replace('w.mlp(x)', 'w.mlp(w.ffn_norm(x))'),
  );
  const out = `exported/${type}.gguf`;
  const { code, stdout, stderr } = await home.lamella(
    ...['export', 'llama.ts', '--to', 'gguf', '--weights', 'random:1', ...option, '--out', out],
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${out}: 4 layers, ${type}, .* made up: there is no tokenizer\n$`));
  const bytes = await readFile(join(home.path, out));
  expect(bytes.subarray(0, 4).toString()).toBe('GGUF');
  expect(await readdir(join(home.path, 'exported'))).not.toContainEqual(expect.stringContaining('partial'));
  const exported = (file: string) => ['export', 'llama.ts', '--to', 'gguf', '--weights', 'random:2', '--out', file];
  expect((await home.lamella(...exported(out))).code).toBe(0);
  expect(await readFile(join(home.path, out))).not.toEqual(bytes);
  await home.refuses(exported('tiny.ts'), 'L301', 'tiny.ts', 'it is already there');
  await home.refuses(['export', 'llama.ts', '--to', 'gguf', '--weights', 'nowhere', '--out', out], 'L(204|302)');
  await home.refuses(
    ['export', 'tiny.ts', '--to', 'gguf', '--weights', 'random:1', '--out', out],
    'L306',
    'tiny.ts:14',
  );
});

test('a report is replaced, and no other page is', async () => {
  const inspect = ['inspect', 'tiny.ts', '--html', 'page.html'];
  for (const _ of ['first', 'again']) {
    const { code, stderr } = await home.lamella(...inspect);
    expect(code, stderr).toBe(0);
  }
  await writeFile(join(home.path, 'page.html'), '<!doctype html>\n<title>My page</title>\n');
  await home.refuses(inspect, 'L301', 'page.html', 'it is already there');
});
