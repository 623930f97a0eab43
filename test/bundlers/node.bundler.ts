/** The packages on servers and in tools: Node in all its forms, Bun, Deno. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Packages, packages } from './packages.ts';
import { type Project, project } from './project.ts';

let packed: Packages;
let node: Project;
beforeAll(async () => {
  packed = await packages();
  const names = ['app.js', 'node.js', 'jsdom.js', 'required.cjs'];
  node = await project('node', packed.tarballs, Object.fromEntries(names.map((name) => [name, name])));
});
afterAll(() => packed?.remove());

const program = process.execPath;

function expectAnswers({ stdout }: Awaited<ReturnType<Project['run']>>): void {
  const said: Record<string, { tokens: number[]; threads: number }> = JSON.parse(stdout);
  expect(Object.fromEntries(Object.entries(said).map(([name, { tokens }]) => [name, tokens]))).toEqual(packed.answers);
  expect(Object.values(said).map(({ threads }) => threads)).toEqual([2, 2, 2, 2]);
}

test('import', async () => {
  expectAnswers(await node.run(program, 'node.js'));
});

test('node --input-type=module -e, whose threads do not inherit its flags', async () => {
  const text = await readFile(join(node.path, 'node.js'), 'utf8');
  expectAnswers(await node.run(program, '--input-type=module', '-e', text));
});

test('require, errors included', async () => {
  const { stdout } = await node.run(program, 'required.cjs');
  expect(JSON.parse(stdout)).toEqual({ tokens: packed.answers.text, told: 'L404' });
});

test('jsdom: documents without workers are Node', async () => {
  expectAnswers(await node.run(program, 'jsdom.js'));
});

test.each(['node', 'jsdom'])('Jest, in its environment %s, without a flag', async (environment) => {
  const jest = await project('jest', packed.tarballs, { 'required.test.cjs': 'jest.cjs' });
  await jest.run(
    'jest',
    `--env=${environment}`,
    '--testMatch=**/*.test.cjs',
    '--globals',
    JSON.stringify(packed.answers),
  );
});

test('esbuild, for Node: a server in one file reports how to keep the package out of it, and finds it by its path', async () => {
  const esbuild = await project('esbuild', packed.tarballs, { 'app/server.js': 'server.js' });
  const bundle = '--bundle --platform=node --format=esm --outfile=dist/server.mjs app/server.js'.split(' ');
  const said = async (...options: string[]) => {
    await esbuild.run('esbuild', ...bundle, ...options);
    return JSON.parse((await esbuild.run(program, 'dist/server.mjs', join(packed.folder, 'lamella-text'))).stdout);
  };
  const { text } = packed.answers;
  expect(await said()).toEqual({ own: expect.stringMatching(/^L438 .*--external:NAME/), byPath: text, threads: 2 });
  expect(await said('--external:lamella-text')).toEqual({ own: text, byPath: text, threads: 2 });
});

test('Bun: import and require', async () => {
  // npm runs install scripts only if they are allowed.
  await node.run(program, 'node_modules/bun/install.js');
  expectAnswers(await node.run('bun', 'node.js'));
  expect(JSON.parse((await node.run('bun', 'required.cjs')).stdout)).toMatchObject({ tokens: packed.answers.text });
});

test('Deno: import and require', async () => {
  const deno = (script: string) => node.run('deno', 'run', '--allow-all', script);
  expectAnswers(await deno('node.js'));
  expect(JSON.parse((await deno('required.cjs')).stdout)).toMatchObject({ tokens: packed.answers.text });
});

test('types, for import and for require, with the libraries of a browser and without any', async () => {
  const use = `const tokens = async () => (await load()).generate('x', { maxTokens: 2 }).tokens satisfies readonly number[];`;
  await writeFile(join(node.path, 'use.mts'), `import { load } from 'lamella-text';\nexport ${use}\n`);
  await writeFile(join(node.path, 'use.cts'), `import { load } from 'lamella-text';\n${use}\nexport = tokens;\n`);
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  const flags = '--noEmit --strict --target es2023 --skipLibCheck false --types'.split(' ');
  await node.run(tsc, ...flags, '', '--module', 'nodenext', 'use.mts', 'use.cts');
  await node.run(tsc, ...flags, '', '--lib', 'es2023', '--module', 'nodenext', 'use.mts', 'use.cts');
  await node.run(tsc, ...flags, '', '--module', 'esnext', '--moduleResolution', 'bundler', 'use.mts');
});
