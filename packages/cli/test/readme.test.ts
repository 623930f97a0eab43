/**
 * A compiled package as an npm package: its fields, the files that npm packs, and the code in its
 * README, which runs here as it is written (that for bundlers in `npm run test:bundlers`).
 */
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPackage } from '../src/package/open-package.ts';
import { addTokenizer, writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;

async function compile(graph: string, out: string, ...options: readonly string[]): Promise<void> {
  const { code, stderr } = await home.lamella('compile', graph, '--out', out, ...options);
  expect(code, stderr).toBe(0);
}

beforeAll(async () => {
  home = await scratch();
  const talking = await writeGraph(home.path, 'talking', (text) =>
    text.replace('vocab: 50', 'vocab: 260').replace('t: 16', 't: 64'),
  );
  await writeCheckpoint(join(home.path, 'checkpoint'), talking);
  await addTokenizer(join(home.path, 'checkpoint'));
  const named = ['--name', '@me/talking', '--package-version', '1.2.0'];
  await compile('talking.ts', 'talking', '--weights', 'checkpoint', ...named);
  await writeGraph(home.path);
  await compile('tiny.ts', 'tiny', '--weights', 'random:1');
  await compile('tiny.ts', 'bare');
});
afterAll(() => home.remove());

const read = (folder: string, file: string) => readFile(join(home.path, folder, file), 'utf8');

/** The code blocks of a package's README in one language. */
async function examples(folder: string, language: string): Promise<readonly string[]> {
  const blocks = (await read(folder, 'README.md')).matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return [...blocks].filter(([, word]) => word === language).map(([, , code]) => code!);
}

/** What the examples show: the greedy answer, at most 32 tokens. */
async function answer(folder: string) {
  const model = await openPackage(join(home.path, folder), { threads: 1 });
  const prompt = model.tokenizer ? 'Hello' : [1, 2, 3];
  const { text, tokens } = await model.generate(prompt, { maxTokens: 32 }).result();
  model.dispose();
  return { text, ids: tokens.map((token) => `${token} `).join('') };
}

/** Runs code in the folder of a package, where its own name leads to it. */
const node = (folder: string, code: string, type: 'module' | 'commonjs') =>
  execFileSync(process.execPath, [`--input-type=${type}`, '-e', code], {
    cwd: join(home.path, folder),
    encoding: 'utf8',
  });

test('its name and version are those that were chosen, and npm packs every file', async () => {
  const fields = JSON.parse(await read('talking', 'package.json'));
  expect(fields).toMatchObject({
    name: '@me/talking',
    version: '1.2.0',
    description: expect.stringMatching(/ parameters as q8, 4 block executions over 2 weight sets; vocabulary 260, /),
    license: 'SEE LICENSE IN LICENSE',
    engines: { node: expect.any(String) },
  });
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: join(home.path, 'talking'), encoding: 'utf8' }),
  );
  expect(packed).toMatchObject({ id: '@me/talking@1.2.0' });
  expect(JSON.parse(await read('talking', 'manifest.json')).name).toBe('tiny');
  const names = packed.files.map(({ path }: { path: string }) => path);
  expect(names.sort()).toEqual((await readdir(join(home.path, 'talking'))).sort());
});

test('a name or a version that npm does not accept is refused before anything is compiled', async () => {
  await home.refuses(['compile', 'tiny.ts', '--name', '@Me/Tiny'], 'L303', '--name does not take "@Me/Tiny". Try @me/');
  await home.refuses(['compile', 'nowhere.ts', '--package-version', 'v1'], 'L303', '"v1"', '1.2.0');
});

test('README: Node, with import', async () => {
  const { text } = await answer('talking');
  expect(text).not.toBe('');
  const [code] = await examples('talking', 'js');
  expect(node('talking', code!, 'module')).toBe(text);
});

test('README: Node, with require', async () => {
  const [line] = /const { load } = require\('[^']+'\)/.exec(await read('talking', 'README.md'))!;
  const [code] = await examples('talking', 'js');
  const body = code!.replace(/^import .*\n/, '');
  expect(node('talking', `${line};\n(async () => {\n${body}})();`, 'commonjs')).toBe((await answer('talking')).text);
});

test('README: without a tokenizer the examples have token ids', async () => {
  const [code] = await examples('tiny', 'js');
  expect(node('tiny', code!, 'module')).toBe((await answer('tiny')).ids);
});

test('README: a plain page', async () => {
  const browser = await launchChromium();
  for (const [folder, text] of [
    ['talking', (await answer('talking')).text],
    ['tiny', (await answer('tiny')).ids],
  ] as const) {
    const [html] = await examples(folder, 'html');
    const site = await serve({ '/': { text: html! }, [`/${folder}/`]: { folder: join(home.path, folder) } });
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction((text) => document.querySelector('output')!.textContent === text, text);
    await page.close();
    await site.close();
  }
  await browser.close();
});

test('README: it says that a package has no weights', async () => {
  expect(await read('bare', 'README.md')).toContain('fails with L405');
  expect(await read('tiny', 'README.md')).not.toContain('L405');
});

test('LICENSE has the licence of Lamella, and leaves that of the weights to their author', async () => {
  const licence = await read('tiny', 'LICENSE');
  const ours = await readFile(new URL('../../../LICENSE', import.meta.url), 'utf8');
  expect(licence.endsWith(`\n${ours}`)).toBe(true);
  expect(licence).toContain('The weights (weights-*.bin)');
});
