/**
 * A project of a user: the command, the API and the types, from the tarballs alone. Its path has a
 * space.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, type Project } from '@lamella/release/install';
import { entryPoints, published, root } from '@lamella/release/workspace';
import { afterAll, beforeAll, expect, test } from 'vitest';

let project: Project;
beforeAll(() => {
  project = install('typescript@7', '@types/node@20');
});
afterAll(() => project.remove());

const write = (file: string, text: string) => writeFileSync(join(project.path, file), text);
const lamella = (...words: readonly string[]) => {
  const options = { cwd: project.path, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync('npx', ['lamella', ...words], options);
  return { status, stdout, stderr };
};

const packages = published.filter(({ json }) => json.name !== 'create-lamella');
const { version } = packages[0]!.json;

/** The code blocks of a README in one language. */
const blocks = (text: string, language: string) =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].filter(([, each]) => each === language).map(([, , code]) => code!);
const readme = (folder: string) => readFileSync(join(root, 'packages', folder, 'README.md'), 'utf8');

test('the command has the version of the package', () => {
  expect(lamella('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test('the commands of the README make a model, check, compile and run it', () => {
  const [, existing] = blocks(readme('cli'), 'sh');
  const [add, ...commands] = existing!.trim().split('\n');
  expect(add).toBe('npm install --save-dev lamella @lamella/dsl');
  const outputs = commands.map((command) => lamella(...command.replace('npx lamella ', '').split(' ')));
  expect(outputs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(outputs.at(-1)!.stdout).toMatch(/^\d+( \d+)*\n$/);
});

test('a graph file may import others, in TypeScript', () => {
  write('sizes.ts', 'export const layers: number = 3;\n');
  write(
    'several.ts',
    `import { mobileLLM } from '@lamella/dsl';
import { layers } from './sizes.ts';
export default mobileLLM({ name: 'several', layers, d: 64, heads: 2, kvHeads: 1, ffn: 128, vocab: 64, context: 32 });
`,
  );
  const { status, stdout } = lamella('check', 'several.ts');
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('3 weight sets') });
});

test("a diagnostic has the author's line, a code, and no line of Lamella", () => {
  write('wrong.ts', readFileSync(join(project.path, 'my-model.ts'), 'utf8').replace('kvHeads: 2', 'kvHeads: 3'));
  const line =
    1 +
    readFileSync(join(project.path, 'wrong.ts'), 'utf8')
      .split('\n')
      .findIndex((each) => each.includes('kvHeads: 3'));
  const { status, stdout, stderr } = lamella('check', 'wrong.ts');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^L104 .*\\(wrong\\.ts:${line}:\\d+\\)`));
  expect(stderr).toContain(`> ${line} |`);
  expect(stderr).not.toContain('node_modules');
});

test('a package compiled with WebGPU kernels runs in Node on WASM', () => {
  expect(
    lamella('compile', 'my-model.ts', '--weights', 'random:1', '--target', 'wasm,webgpu', '--out', 'gpu').status,
  ).toBe(0);
  expect(lamella('run', 'gpu', '--tokens', '1,2,3', '--max-tokens', '4').status).toBe(0);
  const { status, stderr } = lamella('run', 'gpu', '--tokens', '1,2,3', '--target', 'webgpu');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^L412 .*npm install webgpu/);
});

/**
 * A file that imports every entry point of every package, except the one that needs an optional
 * peer: React, which the project does not have.
 */
const everyEntry = packages
  .flatMap((target) => [...entryPoints(target).keys()].map((entry) => target.json.name + entry.slice(1)))
  .filter((name) => name !== '@lamella/runtime/faces/react')
  .map(
    (name, i) =>
      `import * as entry${i} from '${name}';\nexport const keys${i}: readonly string[] = Object.keys(entry${i});`,
  )
  .join('\n');

test('every entry point can be imported', () => {
  write('entries.js', everyEntry.replaceAll(': readonly string[]', ''));
  expect(
    project.run('node', '--input-type=module', '-e', "console.log(Object.keys(await import('./entries.js')).length)"),
  ).toBe(`${everyEntry.split('\n').length / 2}\n`);
});

test.each([
  ['bundler', 'esnext'],
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
])('types are strict with moduleResolution %s', (moduleResolution, module) => {
  write('entries.ts', everyEntry);
  const sources = { cli: 'api.ts', dsl: 'graph.ts', compiler: 'stages.ts', graph: 'counts.ts', runtime: 'answer.ts' };
  for (const [folder, file] of Object.entries(sources)) write(file, blocks(readme(folder), 'ts')[0]!);
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'dom', 'esnext.disposable'],
    module,
    moduleResolution,
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  };
  write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions, files: ['entries.ts', 'my-model.ts', ...Object.values(sources)] }),
  );
  const { status, stdout } = spawnSync('npx', ['tsc', '-p', '.'], { cwd: project.path, encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test('the examples of the READMEs run', () => {
  for (const folder of ['cli', 'dsl', 'compiler', 'graph']) {
    const [example] = blocks(readme(folder), 'ts');
    write('example.mjs', example!);
    expect(project.run('node', 'example.mjs')).toBeTypeOf('string');
  }
});
