/**
 * The command line: options outside the contract are refused, and so are options that the contract
 * has but this version does not support.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  await writeGraph(home.path, 'x');
});
afterAll(() => home.remove());

test.each([
  ['an unknown command', ['chekc', 'x.ts'], 'L305', ['chekc', 'lamella check']],
  ['an unknown option', ['compile', 'x.ts', '--qant', 'q8'], 'L305', ['--qant', '--quant']],
  ['an unknown option like no other', ['check', 'x.ts', '--zzz'], 'L305', ['--zzz', 'lamella check --help']],
  ['a missing argument', ['compile'], 'L305', ['GRAPH.ts', 'lamella compile --help']],
  ['one argument too many', ['check', 'a.ts', 'b.ts'], 'L305', ['too many arguments']],
  ['a missing value', ['run', 'p', '--prompt'], 'L305', ['--prompt']],
  ['a missing option', ['import', 'p'], 'L305', ['--out']],
  ['no start', ['run', 'p'], 'L305', ['--prompt TEXT or --tokens']],
  ['two starts', ['run', 'p', '--prompt', 'a', '--tokens', '1'], 'L305', ['--prompt', '--tokens']],
  ['a wrong value', ['compile', 'x.ts', '--quant', 'q9'], 'L303', ['--quant', 'q9', 'f32, f16, q8']],
  ['a number that is none', ['run', 'p', '--tokens', '1', '--temperature', 'warm'], 'L303', ['--temperature', 'warm']],
  ['a number out of range', ['run', 'p', '--tokens', '1', '--top-p', '0'], 'L303', ['--top-p', 'above 0']],
  ['a key that a header cannot carry', ['serve', 'p', '--api-key', 'sécret'], 'L303', ['--api-key', 'sécret', 'ASCII']],
  ['ids that are none', ['logits', 'p', '--tokens', '1,two'], 'L303', ['--tokens', '1,2,3']],
  ['GGUF without weights', ['export', 'x.ts', '--to', 'gguf', '--out', 'x'], 'L305', ['--weights', 'random:SEED']],
  [
    'weights for a PyTorch module',
    ['export', 'x.ts', '--to', 'pytorch', '--weights', 'random:1', '--out', 'x'],
    'L305',
    ['--weights', 'leaving it out'],
  ],
  ['one page of two models', ['inspect', 'a', 'b', '--html', 'x.html'], 'L303', ['--html', 'one graph or package']],
  ['no rounds', ['bench', 'p', '--repeat', '0'], 'L303', ['--repeat', 'at least 1']],
  ['a context of nothing', ['compile', 'x.ts', '--context', '0'], 'L303', ['--context', 'at least 1']],
])('%s', (_, args, code, parts) => home.refuses(args, code, ...parts));

test('--profile is not available yet', () =>
  home.refuses(['compile', 'x.ts', '--profile', 'phone'], 'L304', '--profile is not available yet'));

test('--version', async () => {
  expect(await home.lamella('--version')).toEqual({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test('help is not a failure', async () => {
  const { code, stdout, stderr } = await home.lamella('compile', '--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('--weights');
  expect(stdout).not.toContain('--profile');
});
