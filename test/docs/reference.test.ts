/**
 * The reference pages equal what their generators write, every exported function has a docstring
 * with an example, and the examples run.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { apiFunctions, apiImports } from '@lamella/docs/build/api';
import { dslFunctions, exampleAxes } from '@lamella/docs/build/dsl';
import { optionsTypeOf } from '@lamella/docs/build/entries';
import { membersOf } from '@lamella/docs/build/members';
import { docsFolder, references } from '@lamella/docs/build/references';
import { packageImports, runtimeExamples } from '@lamella/docs/build/runtime';
import * as dsl from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { verify } from '@lamella/graph/verify';
import { addTokenizer, writeCheckpoint } from 'lamella/test/checkpoint-files';
import { type Scratch, scratch, writeGraph } from 'lamella/test/lamella';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

test('the committed pages equal the generated ones', async () => {
  for (const [page, text] of await references()) {
    expect(await readFile(new URL(page, docsFolder), 'utf8'), `${page}: npm run golden writes it again`).toBe(text);
  }
});

describe('@lamella/dsl', () => {
  const functions = dslFunctions();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamella-examples-'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
    for (const { name, example } of functions) await writeFile(join(folder, `${name}.ts`), graphFile(example!));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('every exported function is in the reference', () => {
    const exported = Object.entries(dsl).flatMap(([name, value]) =>
      typeof value === 'function' ? [name] : Object.keys(value).map((member) => `${name}.${member}`),
    );
    expect(functions.map(({ name }) => name).sort()).toEqual(exported.sort());
  });

  test.each(functions)('$name has a docstring with an example', ({ name, text, example }) => {
    expect(text).not.toBe('');
    expect(example).toContain(`${name}(`);
  });

  test.each(functions)('every option of $name has a text, and a default if it is optional', ({ declaration }) => {
    const type = optionsTypeOf(declaration);
    for (const { name, text, isOptional, byDefault } of type ? membersOf(type) : []) {
      expect(text, name).not.toBe('');
      if (isOptional) expect(byDefault, name).not.toBeNull();
    }
  });

  test('the examples have no type errors', async () => {
    const tsconfig = { extends: join(root, 'tsconfig.base.json'), include: ['*.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const flags = ['--noUnusedLocals', 'false', '--typeRoots', join(root, 'node_modules/@types')];
    const { stdout } = await run(tsc, ['-p', folder, '--pretty', 'false', ...flags]).catch((e) => e);
    expect(stdout).toBe('');
  });

  test.each(functions)('the example of $name is a model', async ({ name }) => {
    const { default: graph } = (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as { default: Graph };
    verify(graph);
    expect(graph.vocab).toBeGreaterThan(0);
  });
});

describe('a compiled package', () => {
  const examples = [...runtimeExamples()];
  let home: Scratch;
  beforeAll(async () => {
    home = await scratch();
    const graph = await writeGraph(home.path, 'talking', (text) =>
      text.replace('vocab: 50', 'vocab: 260').replace('t: 16', 't: 64'),
    );
    await writeCheckpoint(join(home.path, 'checkpoint'), graph);
    await addTokenizer(join(home.path, 'checkpoint'));
    const { code, stderr } = await home.lamella(
      'compile',
      'talking.ts',
      '--weights',
      'checkpoint',
      '--out',
      'out/assistant',
    );
    expect(code, stderr).toBe(0);
    await writeFile(join(home.path, 'package.json'), '{ "type": "module" }\n');
    for (const [name, code] of examples) {
      const types = '/// <reference types="node" />\n';
      await writeFile(join(home.path, `${name}.mts`), `${types}${packageImports}\n${code}\nmodel.dispose();\n`);
    }
  });
  afterAll(() => home.remove());

  test('load, each method for text or tokens, and errors have an example', () => {
    const expected = ['Generation.result', 'LamellaError', 'Model.generate', 'Model.logits', 'Model.session', 'load'];
    expect(examples.map(([name]) => name)).toEqual(expect.arrayContaining(expected));
  });

  test('the examples have no type errors', async () => {
    const flags = '--noEmit --strict --skipLibCheck --module nodenext --target es2022 --types node'.split(' ');
    const files = examples.map(([name]) => `${name}.mts`);
    const all = [...flags, '--typeRoots', join(root, 'node_modules/@types'), '--pretty', 'false', ...files];
    const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), all, { cwd: home.path }).catch((e) => e);
    expect(stdout).toBe('');
  });

  test.each(examples)('the example of %s runs', async (name) => {
    const file = join(home.path, `${name}.mts`);
    const { stdout } = await run(process.execPath, ['--import', tsx, file], { cwd: home.path });
    expect(stdout).not.toBe('');
  });
});

const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/esm/index.mjs')).href;

/** The graph file that an example stands for; the opening of the page says the same in words. */
function graphFile(example: string): string {
  const code = example.replace(/\s*\/\/.*$/gm, '');
  const names = Object.keys(dsl).filter((name) => new RegExp(`\\b${name}\\b`).test(`${code}${exampleAxes}${frames}`));
  return [
    `import { ${names.join(', ')} } from '@lamella/dsl';`,
    ...(/\bt, d\b.*= dims\(/.test(code) ? [] : [exampleAxes]),
    code.includes('const ') || code.includes('export ') ? code : '',
    ...model(code),
    '',
  ].join('\n');
}

const frames = 'block defineModel dims embedding input residual stack';

function model(code: string): readonly string[] {
  if (code.includes('export default ')) return [];
  const isStatement = code.startsWith('const ');
  const expression = code.replace(/;$/, '');
  const usesX = /\bx\b/.test(expression);
  const isStack = expression.startsWith('stack(');
  const layer = isStatement || isStack ? null : usesX ? bodyFrame(expression) : moduleFrame(expression);
  const plain = 'const layer = block([t, d], () => ({}), (_, x) => residual(x, (x) => x));';
  const layers = isStack ? expression : 'stack(2, layer)';
  return [
    layer ?? (code.includes('const layer') ? '' : plain),
    "export default defineModel('example', {}, () => ({ embed: embedding(vocab, d), layers: " +
      `${layers} }), (m) => m.embed.logits(m.layers(m.embed(input(t)))));`,
  ];
}

const bodyFrame = (value: string): string =>
  `const layer = block([t, d], () => ({}), (_, x) => residual(x, (x) => ${value}));`;
const moduleFrame = (module: string): string =>
  `const layer = block([t, d], () => ({ part: ${module} }), (w, x) => residual(x, (x) => w.part(x)));`;

describe('the TypeScript API', () => {
  const functions = apiFunctions();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamella-examples-'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await mkdir(join(folder, 'graphs'));
    await writeGraph(join(folder, 'graphs'), 'mine');
    const examples = functions.map(({ example }) => `{\n${example}\n}`);
    const types = '/// <reference types="node" />';
    await writeFile(join(folder, 'examples.mts'), [types, apiImports, ...examples].join('\n'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(functions)('$name has a docstring with an example', ({ name, text, example }) => {
    expect(text).not.toBe('');
    expect(example).toContain(`${name}(`);
  });

  test('every option has a text, and a default if it has one', () => {
    for (const { name, declaration } of functions) {
      const type = optionsTypeOf(declaration);
      for (const member of type ? membersOf(type) : []) expect(member.text, `${name} ${member.name}`).not.toBe('');
    }
  });

  test('the examples have no type errors, and run', async () => {
    const tsconfig = { extends: join(root, 'tsconfig.base.json'), include: ['*.mts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    const flags = ['--noUnusedLocals', 'false', '--typeRoots', join(root, 'node_modules/@types')];
    const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), [
      '-p',
      folder,
      '--pretty',
      'false',
      ...flags,
    ]).catch((e) => e);
    expect(stdout).toBe('');
    await run(process.execPath, ['--import', import.meta.resolve('tsx'), 'examples.mts'], { cwd: folder });
  });
});
