/**
 * Bad input to `compile`, `run` and `logits`: one message with place and remedy, exit code 1, and
 * no half-written files.
 */
import { mkdir, open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

const noImport = 'Node imports nothing from a path with a \\ in it';
let home: Scratch;
let graph: string;
beforeAll(async () => {
  home = await scratch();
  graph = await writeGraph(home.path);
});
afterAll(() => home.remove());

describe('checkpoints', () => {
  const refused = (weights: string, code: string, ...parts: string[]) =>
    home.refuses(['compile', 'tiny.ts', '--weights', weights], code, ...parts);

  test('a missing tensor', async () => {
    await writeCheckpoint(join(home.path, 'missing'), graph, (weights) =>
      weights.filter((w) => !w.name.includes('1.mlp.up')),
    );
    await refused('missing', 'L201', 'missing', 'model.layers.1.mlp.up_proj.weight', 'at missing');
  });

  test('a wrong shape', async () => {
    await writeCheckpoint(join(home.path, 'shape'), graph, (weights) =>
      weights.map((w) => (w.name === 'model.norm.weight' ? { ...w, shape: [17] } : w)),
    );
    await refused('shape', 'L201', 'wrong shape', 'model.norm.weight', '[16]', '[17]');
  });

  test('a truncated file', async () => {
    const file = await writeCheckpoint(join(home.path, 'truncated'), graph);
    await truncate(file, (await readFile(file)).length - 100);
    await refused('truncated', 'L203', join('truncated', 'model.safetensors'));
  });

  test.each([
    ['longer than the file', 1n << 40n, 'L20[23]'],
    ['longer than its JSON', 400n, 'L20[23]'],
    ['of nothing', 0n, 'L202'],
  ])('a header that says it is %s', async (name, length, code) => {
    const folder = name.replaceAll(' ', '-');
    const file = await writeCheckpoint(join(home.path, folder), graph);
    const handle = await open(file, 'r+');
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigUint64(0, length, true);
    await handle.write(new Uint8Array(bytes.buffer), 0, 8, 0);
    await handle.close();
    await refused(folder, code, join(folder, 'model.safetensors'));
  });

  test('nothing there', () => refused('nowhere', 'L(204|302)', 'nowhere'));
  test('not a seed', () => refused('random:x', 'L208', 'random:1'));
});

describe('outputs', () => {
  const refused = (out: string, ...parts: string[]) =>
    home.refuses(['compile', 'tiny.ts', '--weights', 'random:1', '--out', out], 'L301', out, ...parts);

  test('below a file', () => refused(join('tiny.ts', 'package'), 'a part of the path is a file'));
  test('over a file', () => refused('tiny.ts', 'it is a file'));
  test('nowhere', () => home.refuses(['compile', 'tiny.ts', '--out', ''], 'L303', '--out does not take ""', 'a path'));
  test('where Node cannot import', () => refused('x\\y', noImport, 'Try a path without one'));
  test('where no folder can be made', () => refused('/proc/lamella/package'));
  test('over another folder', async () => {
    await writeCheckpoint(join(home.path, 'precious'), graph);
    await refused('precious', 'something other than a compiled package');
  });
});

test('a package with weights is replaced by one without weights only with --force', async () => {
  const compile = ['compile', 'tiny.ts', '--out', 'forced'];
  expect((await home.lamella(...compile, '--weights', 'random:1')).code).toBe(0);
  await home.refuses(compile, 'L301', 'forced', 'has weights, and the new one would have none', '--force');
  for (const again of [['--force'], [], ['--weights', 'random:1']])
    expect((await home.lamella(...compile, ...again)).code).toBe(0);
});

describe('packages', () => {
  beforeAll(async () => {
    const made = [
      await home.lamella('compile', 'tiny.ts', '--weights', 'random:1', '--out', 'whole'),
      await home.lamella('compile', 'tiny.ts', '--out', 'empty'),
    ];
    expect(made.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(['', '']);
  });

  test('a context longer than the graph’s', () =>
    home.refuses(['compile', 'tiny.ts', '--context', '17'], 'L303', '--context', '17', 'up to 16'));
  test.each(['run', 'logits'])('%s: an empty prompt', (command) =>
    home.refuses([command, 'whole', '--tokens', ''], 'L401'),
  );
  test.each(['run', 'logits'])('%s: a token id out of range', (command) =>
    home.refuses([command, 'whole', '--tokens', '1,50'], 'L402', '50', 'ids from 0 to 49'),
  );
  test.each(['run', 'logits'])('%s: more tokens than the context', (command) =>
    home.refuses([command, 'whole', '--tokens', Array(17).fill(1).join()], 'L403', '17 tokens', 'context of 16'),
  );
  test('text without a tokenizer', () =>
    home.refuses(['run', 'whole', '--prompt', 'hello'], 'L406', 'whole', '--tokens'));
  test.each(['run', 'logits'])('%s: no weights', (command) =>
    home.refuses([command, 'empty', '--tokens', '1'], 'L405', 'empty', '--weights'),
  );
  test.each(['run', 'logits'])('%s: not a package', (command) =>
    home.refuses([command, 'nowhere', '--tokens', '1'], 'L308', 'nowhere', 'lamella compile'),
  );
  test.each([
    ['a missing path', 'facebook/MobileLLM-125M', 'it does not exist', 'downloaded before'],
    ['another folder', 'other', 'neither the manifest.json', 'nor the config.json'],
    ['a folder without its config', 'weights', 'model.safetensors, but config.json is missing', '--weights weights'],
    ['a file of weights', 'weights/model.safetensors', 'without a config.json beside it'],
    ['a graph file', 'tiny.ts', 'it is a graph file', 'lamella compile tiny.ts --weights'],
  ])('run names what a model may be: %s', async (_, path, ...parts) => {
    await mkdir(join(home.path, 'other'), { recursive: true });
    await writeCheckpoint(join(home.path, 'weights'), graph);
    await home.refuses(['run', path, '--tokens', '1'], 'L308', path, ...parts);
    if (path !== 'tiny.ts') await home.refuses(['inspect', path], 'L308', path, ...parts);
  });
  test('a package where Node cannot import', async () => {
    await rename(join(home.path, 'whole'), join(home.path, 'a\\b'));
    await home.refuses(['run', 'a\\b', '--tokens', '1'], 'L302', 'a\\b', noImport, 'moving the package');
    await rename(join(home.path, 'a\\b'), join(home.path, 'whole'));
  });
  test('a package whose weights were damaged', async () => {
    const file = join(home.path, 'whole', 'weights-000.bin');
    const bytes = await readFile(file);
    const damaged = Uint8Array.from(bytes);
    damaged[bytes.length >> 1]! ^= 1;
    await writeFile(file, damaged);
    await home.refuses(
      ['run', 'whole', '--tokens', '1'],
      'L407',
      'weights-000.bin',
      'copying the whole folder of the package there again',
    );
    await writeFile(file, bytes);
  });
});
