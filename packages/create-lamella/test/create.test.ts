/** `npm create lamella`: the project it writes, what it prints, and what it refuses. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { starterGraph } from 'lamella/starter';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agents, create } from './create.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

const read = (...path: readonly string[]) => readFile(join(home.path, ...path), 'utf8');

/** Every file below `folder`. */
async function files(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(home.path, folder), { recursive: true });
  const isFile = await Promise.all(entries.map(async (entry) => (await stat(join(home.path, folder, entry))).isFile()));
  return entries.filter((_, i) => isFile[i]).sort();
}

const all = [
  '.gitattributes',
  '.github/workflows/check.yml',
  '.gitignore',
  'README.md',
  'golden/my-model.txt',
  'golden/write.js',
  'graphs/my-model.ts',
  'package.json',
  'test/graphs.test.js',
  'tsconfig.json',
];

test('a project is complete, and says what to do next', async () => {
  expect(create(home.path, ['my-models'])).toEqual({
    status: 0,
    stderr: '',
    stdout: `my-models has a small model, its tests, and a workflow for CI. Next:
  cd my-models
  npm install
  npm run check
  npm run test
  npm run compile
`,
  });
  expect(await files('my-models')).toEqual(all);
  const { name, devDependencies } = JSON.parse(await read('my-models/package.json'));
  expect(name).toBe('my-models');
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  expect(devDependencies).toMatchObject({ lamella: `^${version}`, '@lamella/dsl': `^${version}` });
});

test('its graph is the one that `lamella new` writes, and its golden is the graph', async () => {
  create(home.path, ['golden']);
  expect(await read('golden/graphs/my-model.ts')).toBe(starterGraph('my-model'));
  const graph = join('golden', 'graphs', 'my-model.ts');
  const { stdout, stderr } = await home.lamella('compile', graph, '--emit', 'graph');
  expect(stderr).toBe('');
  expect(await read('golden/golden/my-model.txt')).toBe(stdout);
});

/** Files that one package manager needs. */
const own: Readonly<Record<string, readonly string[]>> = {
  pnpm: ['pnpm-workspace.yaml'],
  yarn: ['.yarnrc.yml'],
  'modern-yarn': ['.yarnrc.yml'],
};

test.each([
  ['pnpm', 'pnpm install', 'pnpm run', 'pnpm exec', 'pnpm@12.21.0'],
  ['yarn', 'yarn install', 'yarn run', 'yarn run', 'yarn@1.22.22'],
  ['modern-yarn', 'yarn install', 'yarn run', 'yarn run', '@yarnpkg/cli-dist@4.18.1'],
  ['bun', 'bun install', 'bun run', 'bunx', 'bun@1.4.5'],
] as const)('%s: every command is its own', async (agent, install, run, exec, inCi) => {
  const { stdout } = create(home.path, [agent], agents[agent]);
  expect(stdout).toContain(`\n  ${install}\n  ${run} check\n`);
  const readme = await read(agent, 'README.md');
  expect(readme).toContain(`\`${run} check\``);
  expect(readme).toContain(`\`${exec} lamella inspect graphs/my-model.ts\``);
  expect(readme).not.toMatch(/\b(npm run|npx)\b/);
  expect(await read(agent, 'test/graphs.test.js')).toContain(`try ${run} golden'`);
  const ci = await read(agent, '.github/workflows/check.yml');
  expect(ci).toContain(`- run: npm install --global ${inCi}\n      - run: ${install} --frozen-lockfile\n`);
  expect(ci).toContain(`- run: ${run} check\n`);
  expect(await files(agent)).toEqual([...all, ...(own[agent] ?? [])].sort());
});

test('npm needs nothing more in CI', async () => {
  create(home.path, ['in-ci']);
  expect(await read('in-ci/.github/workflows/check.yml')).toBe(
    await readFile(new URL('../templates/project/.github/workflows/check.yml', import.meta.url), 'utf8'),
  );
});

test('the folders above may have any names', async () => {
  const above = 'Zoë’s models #1 100%20 (новые)';
  const { stdout } = create(home.path, [`${above}/more/my-models`]);
  expect(stdout).toContain(`\n  cd '${above}/more/my-models'\n`);
  expect(await files(join(above, 'more', 'my-models'))).toEqual(all);
  const within = create(join(home.path, above), ['../beside']);
  expect(within.stdout).toContain('  cd ../beside\n');
  expect(await files('beside')).toEqual(all);
});

test('this folder, empty but for .git', async () => {
  const folder = join(home.path, 'cloned');
  await mkdir(folder);
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  const { stdout, stderr } = create(folder, ['.']);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/Next:\n {2}npm install\n/);
  expect((await files('cloned')).filter((file) => !file.startsWith('.git/'))).toEqual(all);
});

/** Expects one message, exit code 1, and unchanged files. */
async function refuses(words: readonly string[], message: RegExp): Promise<void> {
  const before = await files('.');
  const { status, stdout, stderr } = create(home.path, words);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(await files('.')).toEqual(before);
}

test('a folder that is not empty, and a file', async () => {
  await mkdir(join(home.path, 'full'));
  await writeFile(join(home.path, 'full', 'mine'), '');
  await refuses(
    ['full'],
    /^L301 .*full cannot be written: the folder is not empty\. Try another name, or an empty folder$/m,
  );
  await refuses(['full/mine'], /^L301 .*mine cannot be written: a part of the path is a file\. Try another name/);
  await refuses(['full/mine/models'], /^L301 .*models cannot be written: a part of the path is a file\./);
});

test.each([
  ['My Models', 'my-models'],
  ['wörter', 'worter'],
  ['fs', 'fs-model'],
  ['my#models', 'my-models'],
  ['node_modules', 'my-node_modules'],
  ['', 'a name, such as @me/model'],
])('a folder cannot have the name %j', (name, better) =>
  refuses([name], new RegExp(`^L303 create-lamella does not take ${JSON.stringify(name)}\\. Try ${better}$`, 'm')),
);

test.each([
  [[], /^L305 create-lamella: the name of the folder is missing\. Try npm create lamella my-models$/m],
  [['a', 'b'], /^L305 create-lamella: there are too many arguments\./],
  [['--template', 'x'], /^L305 --template: there is no such option\. Try npm create lamella NAME$/m],
] as const)('the words %j', (words, message) => refuses(words, message));

test('--help and --version', () => {
  expect(create(home.path, ['--help'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Usage: npm create'),
  });
  expect(create(home.path, ['--version'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});
