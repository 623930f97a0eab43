/** Each tarball by itself: what it contains, and what publint and are-the-types-wrong find. */
import { execFileSync } from 'node:child_process';
import { findings, profileOf } from '@lamella/release/lint';
import { tarball } from '@lamella/release/packed';
import { published } from '@lamella/release/workspace';
import { expect, test } from 'vitest';

const names = published.map(({ json }) => json.name).sort();

const contents = (name: string) =>
  execFileSync('tar', ['-tzf', tarball(name)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .sort();
const read = (name: string, file: string) =>
  execFileSync('tar', ['-xzOf', tarball(name), `package/${file}`], { encoding: 'utf8' });

test('these packages are published', () => {
  expect(names).toEqual([
    '@lamella/compiler',
    '@lamella/dsl',
    '@lamella/graph',
    '@lamella/runtime',
    'create-lamella',
    'lamella',
  ]);
});

test.each(published.map((each) => [each.json.name, each] as const))(
  '%s: publint and are-the-types-wrong find nothing',
  (name, target) => expect(findings(tarball(name), profileOf(target))).toEqual([]),
);

test.each(names)('%s has JavaScript with declarations and source maps, a README and the licence', (name) => {
  const files = contents(name);
  for (const file of ['package.json', 'README.md', 'LICENSE']) expect(files).toContain(`package/${file}`);
  // create-lamella's templates and the studio are files as they are.
  const code = files.filter((file) => !/^package\/(templates|studio)\//.test(file));
  expect(code.filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))).toEqual([]);
  expect(code.filter((file) => file.includes('/test/'))).toEqual([]);
  const modules = code.filter((file) => file.endsWith('.js'));
  expect(modules.length).toBeGreaterThan(3);
  for (const module of modules) {
    const base = module.replace(/\.js$/, '');
    expect(files).toContain(`${base}.d.ts`);
    expect(files).toContain(`${base}.js.map`);
  }
});

test.each(names)('%s depends on packages of Lamella in exactly its own version', (name) => {
  const { version, private: isPrivate, dependencies = {} } = JSON.parse(read(name, 'package.json'));
  expect(isPrivate).toBe(undefined);
  for (const [dependency, wanted] of Object.entries(dependencies)) {
    if (names.includes(dependency)) expect(wanted).toBe(version);
    else expect(dependency).not.toMatch(/lamella|tsx|typescript|ts-morph/);
  }
});

test('source maps have the sources themselves', () => {
  const { sources, sourcesContent } = JSON.parse(read('lamella', 'lib/main.js.map'));
  expect(sources).toEqual(['main.ts']);
  expect(sourcesContent[0]).toContain('Entry of the `lamella` command');
});

test('lamella has the licences of the code in the studio, workers included', () => {
  const text = read('lamella', 'studio/licences.txt');
  for (const name of ['preact', '@codemirror/view', 'typescript', 'wabt']) {
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|Apache-2\\.0)\\)\\n\\n.`, 'm'));
  }
});
