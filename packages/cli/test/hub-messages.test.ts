/**
 * A hub folder: impossible requests are refused before anything is compiled, in messages that name
 * the folder.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LamellaError } from '@lamella/graph/diagnostics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ofConfig } from '../src/model/imported-graph.ts';
import { graphOf } from '../src/model/load-graph.ts';
import { asNamed, standsIn } from '../src/model/stand-in.ts';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  for (const name of ['hub', 'silent']) await writeHubFolder(join(home.path, name));
});
afterAll(() => home.remove());

describe('impossible requests are refused before anything is compiled, in messages that name the folder', () => {
  beforeAll(async () => {
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) await rm(join(home.path, 'silent', name));
  });

  test('a text without a tokenizer', () =>
    home.refuses(
      ['run', 'silent', '--prompt', 'hello'],
      'L305',
      '--prompt: silent has neither tokenizer.json nor tokenizer.model',
      '--tokens 1,2,3',
    ));
  test.each(['run', 'logits'])('%s: invalid tokens, or too many', async (command) => {
    await home.refuses([command, 'silent', '--tokens', '1,260'], 'L402', '260', 'ids from 0 to 259');
    await home.refuses([command, 'silent', '--tokens', '1,2,3', '--context', '2'], 'L403', '3 tokens', 'context of 2');
    await home.refuses([command, 'silent', '--tokens', ''], 'L401');
  });
  test.each(['run', 'logits', 'bench'])('%s: on a GPU', (command) =>
    home.refuses(
      [command, 'silent', '--target', 'webgpu', ...(command === 'bench' ? [] : ['--tokens', '1'])],
      'L412',
      'silent is compiled for wasm alone',
      'Try --target wasm, or lamella import',
    ),
  );
  test('a measurement longer than the context', () =>
    home.refuses(['bench', 'silent', '--prompt-tokens', '2048'], 'L403', '2049 tokens', 'context of 2048'));
});

test('commands that need a graph file name the import command', async () => {
  for (const command of [['check'], ['compile'], ['export', '--to', 'gguf', '--out', 'x.gguf']]) {
    const [name = '', ...options] = command;
    await home.refuses([name, 'hub', ...options], 'L302', 'it is a folder', 'Try lamella import hub --out GRAPH.ts');
  }
});

test('messages name the user’s folder in place of the cache', () => {
  standsIn('/cache/hub-1/package', 'models/hub');
  expect(asNamed('L413 /cache/hub-1/package/a.bin cannot be read')).toBe('L413 models/hub/a.bin cannot be read');
});

test('errors of a graph made from a config name the config, without a line', async () => {
  const wrong = `import { defineModel, dims } from '@lamella/dsl';\nexport default defineModel('x', dims({ d: 0 }));`;
  const config = join('hub', 'config.json');
  const error = await ofConfig('hub', () => graphOf(wrong, config)).catch((error: LamellaError) => error);
  expect(error).toMatchObject({ code: 'L102', site: null, place: `dims of ${config}` });
  expect((error as LamellaError).message).toMatch(/^L102 .* d is 0, at dims of hub\/config\.json\. Try a whole number/);
});
