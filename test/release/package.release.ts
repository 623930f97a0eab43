/** Compiled packages as npm packages: what publint and are-the-types-wrong find, and an app with one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findings } from '@lamella/release/lint';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';

const assistant = fileURLToPath(new URL('../../graphs/assistant.ts', import.meta.url));
const kinds = {
  text: ['--weights', assistant.replace(/\.ts$/, ''), '--target', 'wasm,webgpu', '--name', '@me/text'],
  ids: ['--weights', 'random:1', '--name', '@me/ids'],
} as const;
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as readonly Kind[];

let home: Scratch;
let app: string;
const tarball = (kind: Kind) => join(home.path, `me-${kind}-1.2.0.tgz`);
const run = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { cwd: app, encoding: 'utf8' });

beforeAll(async () => {
  home = await scratch();
  for (const kind of names) {
    const options = [...kinds[kind], '--package-version', '1.2.0', '--out', kind];
    const { code, stderr } = await home.lamella('compile', assistant, ...options);
    expect(code, stderr).toBe(0);
    execFileSync('npm', ['pack', '--silent', `./${kind}`], { cwd: home.path });
  }
  app = join(home.path, 'an app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', 'install', ...flags, ...names.map(tarball), 'typescript@7', '@types/node@20');
});
afterAll(() => home.remove());

test.each(names)('%s: publint and are-the-types-wrong find nothing', (kind) =>
  expect(findings(tarball(kind), 'strict')).toEqual([]),
);

/** The first example of the README that npm installed: for Node. */
async function example(kind: Kind): Promise<string> {
  const readme = await readFile(join(app, 'node_modules/@me', kind, 'README.md'), 'utf8');
  return /^```js\n(.*?)^```$/ms.exec(readme)![1]!;
}

test.each(names)('%s: the README’s example runs in the app', async (kind) => {
  await writeFile(join(app, 'example.js'), await example(kind));
  const { tokens, text } = JSON.parse(
    (
      await home.lamella(
        ...['run', kind, ...(kind === 'text' ? ['--prompt', 'Hello'] : ['--tokens', '1,2,3'])],
        ...['--max-tokens', '32', '--json'],
      )
    ).stdout,
  );
  expect(run('node', 'example.js')).toBe(kind === 'text' ? text : tokens.map((token: number) => `${token} `).join(''));
});

test.each([
  ['bundler', 'esnext'],
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
])('the example is strictly typed with moduleResolution %s', async (moduleResolution, module) => {
  const required = "import { load } from '@me/text';\nexport = async () => (await load()).tokenizer.encode('Hello');\n";
  const files = { 'text.ts': await example('text'), 'ids.ts': await example('ids'), 'required.cts': required };
  for (const [file, text] of Object.entries(files)) await writeFile(join(app, file), text);
  const compilerOptions = {
    target: 'es2022',
    module,
    moduleResolution,
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  // A bundler has no CommonJS.
  const sources = Object.keys(files).filter((file) => moduleResolution !== 'bundler' || !file.endsWith('.cts'));
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'] }, files: sources }),
  );
  const { stdout } = spawnSync('npx', ['tsc', '-p', '.'], { cwd: app, encoding: 'utf8' });
  expect(stdout).toBe('');
});
