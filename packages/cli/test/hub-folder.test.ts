/**
 * A hub folder in place of a package: the files that are read, how it is compiled, and the cache.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, open, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import type { Weight } from '@lamella/graph/ir';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { load } from '../src/api/load.ts';
import type { HowCompiled } from '../src/model/checkpoint.ts';
import { packageAt } from '../src/model/package-at.ts';
import { asNamed } from '../src/model/stand-in.ts';
import { unfinished } from '../src/package/unfinished.ts';
import { writeCheckpoint, writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  await writeHubFolder(join(home.path, 'hub'));
});
afterAll(() => home.remove());

const cache = () => join(home.path, 'cache', 'lamella');
const run = (folder: string, ...more: readonly string[]) =>
  home.lamella('run', folder, '--tokens', '1,2,3', '--max-tokens', '4', '--json', ...more);
async function ok(folder: string, ...more: readonly string[]) {
  const { code, stdout, stderr } = await run(folder, ...more);
  expect(code, stderr).toBe(0);
  return { report: JSON.parse(stdout), stderr };
}

/** The same in this process: the folder of the package or the error, and the notes. */
async function packageOf(name: string, how: HowCompiled = {}) {
  vi.stubEnv('XDG_CACHE_HOME', join(home.path, 'cache'));
  const notes: string[] = [];
  try {
    const outcome = await packageAt(join(home.path, name), how, {}, { onNote: (note) => notes.push(note) }).then(
      (folder) => ({ folder, failure: '' }),
      (error: Error) => ({ folder: '', failure: error.message }),
    );
    return { ...outcome, said: notes.join('\n') };
  } finally {
    vi.unstubAllEnvs();
  }
}

describe('how it is compiled', () => {
  test('q8 with f32 keys and values and at most 2048 tokens, with a note every time', async () => {
    const first = await ok('hub');
    expect(first.stderr).toMatch(
      /^compiling hub into .*\n(.*\n)*context 2048 of 4096 tokens; the option context changes it\n/,
    );
    const again = await ok('hub');
    expect(again.stderr).toMatch(/^context 2048 of 4096 tokens/);
    expect(again.stderr).not.toContain('compiling');
    expect(again.report.tokens).toEqual(first.report.tokens);
    const asked = await ok('hub', '--quant', 'q8', '--kv', 'f32', '--context', '2048');
    expect(asked.stderr).not.toMatch(/context|compiling/);
  });

  test('by --quant, --kv and --context; each choice has its own package, which every command finds', async () => {
    const manifestOf = async (how: HowCompiled) => {
      const { folder, failure } = await packageOf('hub', how);
      expect(failure).toBe('');
      return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    };
    const [usual, chosen] = [await manifestOf({}), await manifestOf({ quant: 'q4', kv: 'q8', context: 64 })];
    const choiceOf = ({ quant, kv, context }: HowCompiled) => ({ quant, kv, context });
    expect(choiceOf(usual)).toEqual({ quant: 'q8', kv: 'f32', context: 2048 });
    expect(choiceOf(chosen)).toEqual({ quant: 'q4', kv: 'q8', context: 64 });
    for (const command of [
      ['run', 'hub', '--tokens', '1', '--max-tokens', '1'],
      ['logits', 'hub', '--tokens', '1'],
      ['bench', 'hub', '--repeat', '1', '--prompt-tokens', '4', '--max-tokens', '4'],
    ]) {
      const made = await home.lamella(...command, '--json', '--quant', 'q4', '--kv', 'q8', '--context', '64');
      expect(made.code, made.stderr).toBe(0);
      expect(made.stderr).not.toMatch(/compiling|of 4096/);
      if (command[0] === 'run') expect(JSON.parse(made.stdout).stats.plannedBytes).toBe(chosen.memory.plannedBytes);
    }
  });

  test('a context longer than the checkpoint’s is refused, and so are options for a compiled package', async () => {
    expect((await packageOf('hub', { context: 4097 })).failure).toMatch(
      /^L303 --context .*4097.*Try up to 4096, .*hub$/,
    );
    await home.refuses(['run', 'hub', '--tokens', '1', '--quant', 'q5'], 'L303', '--quant', 'q5');
    const made = relative(home.path, (await packageOf('hub')).folder);
    await home.refuses(['run', made, '--tokens', '1', '--quant', 'q4'], 'L305', '--quant', made, 'compiled already');
    expect((await packageOf(made, { kv: 'q8' })).failure).toMatch(
      /^L305 --kv: .*Try leaving it out, or lamella compile/,
    );
    expect((await packageOf(made, { context: 8 })).failure).toMatch(/^L305 --context: /);
  });

  test('an empty text becomes the BOS token, if there is one', async () => {
    await cp(join(home.path, 'hub'), join(home.path, 'begins'), { recursive: true });
    const file = join(home.path, 'begins', 'tokenizer_config.json');
    const about = JSON.parse(await readFile(file, 'utf8'));
    // A byte order mark must not make a file unreadable.
    const text = JSON.stringify({ ...about, bos_token: '<eos>', add_bos_token: true, lamella: {} });
    await writeFile(file, `\ufeff${text}`);
    const generated = await home.lamella('run', 'begins', '--prompt', '', '--max-tokens', '2', '--json');
    expect(generated.code, generated.stderr).toBe(0);
    expect(JSON.parse(generated.stdout).stats.promptTokens).toBe(1);
  });
});

describe('superfluous tensors', () => {
  const masks = ['model.layers.0.attention.mask', 'model.layers.1.attention.mask'];
  const extra = (weights: readonly Weight[]) => [
    ...weights,
    ...masks.map((name): Weight => ({ ...weights[0]!, name, shape: [4], role: 'gain' })),
  ];

  test('are refused with the option that ignores them, in the words of the command and of the API', async () => {
    await writeHubFolder(join(home.path, 'masks'));
    await writeCheckpoint(join(home.path, 'masks'), join(home.path, 'masks.ts'), extra);
    const remedy = "--ignore 'model.layers.*.attention.mask'";
    expect((await packageOf('masks')).failure).toMatch(/^L201 /);
    expect((await packageOf('masks')).failure).toContain(`or ${remedy} if no model needs these tensors`);
    await expect(load(join(home.path, 'masks'))).rejects.toThrow("or ignore: 'model.layers.*.attention.mask' if");
    const ignoring = ['--ignore', '*.0.attention.mask', '--ignore', '*.1.*.mask'];
    const first = await ok('masks', ...ignoring);
    expect(first.stderr).toContain('compiling');
    expect(first.report.tokens).toEqual((await ok('hub')).report.tokens);
    expect((await ok('masks', ...ignoring)).stderr).not.toContain('compiling');
  });

  test('patterns are refused that match nothing or a weight, also where a package is in the cache', async () => {
    const failureOf = async (pattern: string) => (await packageOf('masks', { ignore: ['*.mask', pattern] })).failure;
    expect(await failureOf('*.mask')).toBe('');
    expect(await failureOf('*.masks')).toMatch(/^L305 --ignore '\*\.masks': no tensor of .*masks has such a name/);
    expect(await failureOf('*l.norm.*')).toMatch(/^L305 .*the model needs model\.norm\.weight/);
    await home.refuses(['run', 'masks', '--tokens', '1', '--ignore', ''], 'L303', '--ignore');
    const made = relative(home.path, (await packageOf('hub')).folder);
    await home.refuses(['run', made, '--tokens', '1', '--ignore', 'x'], 'L305', '--ignore', 'compiled already');
  });

  test('compile and export take them; where no tensors are read they are refused', async () => {
    const made = await home.lamella('compile', 'masks.ts', '--weights', 'masks', '--ignore', '*.mask');
    expect(made.code, made.stderr).toBe(0);
    const to = [
      'export',
      'masks.ts',
      '--to',
      'gguf',
      '--out',
      'masks.gguf',
      '--weights',
      'masks',
      '--ignore',
      '*.mask',
    ];
    const exported = await home.lamella(...to);
    expect(exported.code, exported.stderr).toBe(0);
    await home.refuses(['compile', 'masks.ts', '--ignore', '*.mask'], 'L305', '--ignore', '--weights');
    await home.refuses(['import', 'masks', '--out', 'new.ts', '--ignore', '*.mask'], 'L305', 'not its tensors');
    await home.refuses(['inspect', 'masks', '--ignore', '*.mask'], 'L305', 'not its tensors');
  });
});

test('a folder with a star at its end', async () => {
  await cp(join(home.path, 'hub'), join(home.path, 'hub*'), { recursive: true });
  await ok('hub*');
});

describe('the files that are read', () => {
  const crowded = () => join(home.path, 'crowded');

  test('only the files that are used', async () => {
    await cp(join(home.path, 'hub'), crowded(), { recursive: true });
    const at = (name: string) => join(crowded(), name);
    await mkdir(at('logs.json'));
    await mkdir(at('runs.safetensors'));
    await symlink('/nowhere/at/all', at('dangling.json'));
    await symlink('/dev/zero', at('zero.bin'));
    await symlink('/dev/zero', at('manifest.json'));
    execFileSync('mkfifo', [at('pipe.json'), at('pipe.safetensors'), at('tokenizer.model'), at('added_tokens.json')]);
    const huge = await open(at('huge.json'), 'w');
    await huge.truncate(2 ** 31);
    await huge.close();
    const server = createServer().listen(at('socket.json'));
    const { stderr } = await ok('crowded');
    expect(stderr).toContain('compiling');
    server.close();
    // Other files do not change the fingerprint.
    await rm(at('logs.json'), { recursive: true });
    expect((await ok('crowded')).stderr).not.toContain('compiling');
    await rm(crowded(), { recursive: true });
  });

  test('a byte order mark before JSON', async () => {
    const folder = join(home.path, 'marked');
    await cp(join(home.path, 'hub'), folder, { recursive: true });
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
      await writeFile(join(folder, name), `\ufeff${await readFile(join(folder, name), 'utf8')}`);
    const names = JSON.parse(await header(join(folder, 'model.safetensors')));
    const map = Object.fromEntries(Object.keys(names).map((name) => [name, 'part.safetensors']));
    await copyFile(join(folder, 'model.safetensors'), join(folder, 'part.safetensors'));
    await rm(join(folder, 'model.safetensors'));
    const index = join(folder, 'model.safetensors.index.json');
    await writeFile(index, `\ufeff${JSON.stringify({ weight_map: map })}`);
    const [marked, plain] = [await packageOf('marked'), await packageOf('hub')];
    expect(marked.failure).toBe('');
    for (const file of ['weights-000.bin', 'tokenizer.bin'])
      expect(await readFile(join(marked.folder, file))).toEqual(await readFile(join(plain.folder, file)));
  });

  const used = [
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
    'generation_config.json',
  ];
  test.each(used)('one message when %s is a folder, a pipe, a device, a dangling link or huge', async (name) => {
    const path = join(home.path, 'odd', name);
    const makes = {
      'a folder': () => mkdir(path),
      'a pipe': async () => execFileSync('mkfifo', [path]),
      'a link to a device': () => symlink('/dev/zero', path),
      'a link to nothing': () => symlink('/nowhere/at/all', path),
      'two GiB': () => writeFile(path, '{').then(() => truncate(path, 2 ** 31)),
    };
    for (const [what, make] of Object.entries(makes)) {
      await cp(join(home.path, 'hub'), join(home.path, 'odd'), { recursive: true });
      await rm(path, { force: true });
      await make();
      const { failure } = await packageOf('odd');
      expect(failure, what).toMatch(/^L(202|203|204|206|302) .*odd.*Try [^\n]*$/);
      await rm(join(home.path, 'odd'), { recursive: true });
    }
    expect((await readdir(cache())).filter((entry) => entry.includes('odd'))).toEqual([]);
  });
});

test('a package that a killed run moved away is found', async () => {
  const path = join(home.path, 'moved');
  await cp((await packageOf('hub')).folder, unfinished(path).old, { recursive: true });
  expect(await packageOf('moved')).toEqual({ folder: path, failure: '', said: '' });
  expect(await readdir(path)).toContain('manifest.json');
});

describe('the cache', () => {
  const entry = async () => join(cache(), (await readdir(cache())).find((name) => name.startsWith('cached-'))!);
  beforeAll(async () => {
    await cp(join(home.path, 'hub'), join(home.path, 'cached'), { recursive: true });
    await packageOf('cached');
  });

  test.each([
    ['truncated weights', async (made: string) => truncate(join(made, 'package', 'weights-000.bin'), 100)],
    ['another byte', async (made: string) => flip(join(made, 'package', 'weights-000.bin'))],
    ['a script that ends too early', async (made: string) => truncate(join(made, 'package', 'index.js'), 10)],
    ['a missing file', async (made: string) => rm(join(made, 'package', 'index.js'))],
    ['half a manifest', async (made: string) => truncate(join(made, 'package', 'manifest.json'), 300)],
    ['a pipe', async (made: string) => execFileSync('mkfifo', [join(made, 'package', 'pipe')])],
    [
      'a file in place of its folder',
      async (made: string) => rm(made, { recursive: true }).then(() => writeFile(made, '')),
    ],
    ['no package', async (made: string) => rm(join(made, 'package'), { recursive: true })],
  ])('an entry with %s is compiled again, with a note', async (_, damage) => {
    await damage(await entry());
    const mended = await packageOf('cached');
    expect(mended.said).toContain(`${await entry()} is damaged; compiling `);
    expect((await packageOf('cached')).said).not.toContain('compiling');
  });

  test('the remains of a killed run beside a complete entry are removed', async () => {
    // A process id that no system uses.
    const left = join(cache(), '.cached-0.partial-MACHINE-4999999-1-0');
    const machine = /partial-([0-9a-f]{8})/.exec(unfinished(left).partial)![1]!;
    await mkdir(left.replace('MACHINE', machine));
    expect((await packageOf('cached')).said).not.toContain('compiling');
    expect((await readdir(cache())).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('two simultaneous first runs both answer, and one package remains', async () => {
    await rm(await entry(), { recursive: true });
    const both = await Promise.all([ok('cached'), ok('cached')]);
    expect(both[0].report.tokens).toEqual(both[1].report.tokens);
    expect((await readdir(cache())).filter((name) => name.includes('cached'))).toHaveLength(1);
  });
});

/** Changes the byte in the middle. */
async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
}

/** The JSON at the beginning of a safetensors file. */
async function header(file: string): Promise<string> {
  const bytes = await readFile(file);
  return bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE()));
}

test('inspect accepts it without its weights, with the same figures as its package', async () => {
  await mkdir(join(home.path, 'planned'));
  await copyFile(join(home.path, 'hub', 'config.json'), join(home.path, 'planned', 'config.json'));
  const { code, stdout, stderr } = await home.lamella('inspect', 'planned', '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'context 2048 of 4096 tokens\n' });
  const made = await home.lamella('inspect', relative(home.path, (await packageOf('hub')).folder), '--json');
  expect({ ...JSON.parse(stdout), name: 'hub' }).toEqual(JSON.parse(made.stdout));
  const long = await home.lamella('inspect', 'planned', '--context', '4096', '--json');
  expect(long).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(long.stdout).kvBytes).toBeGreaterThan(JSON.parse(stdout).kvBytes);
});

test('errors in the cache name the hub folder', async () => {
  const { folder: made } = await packageOf('hub');
  expect(asNamed(`L413 ${join(made, 'weights-000.bin')} cannot be read`)).toBe(
    `L413 ${join(home.path, 'hub', 'weights-000.bin')} cannot be read`,
  );
});
