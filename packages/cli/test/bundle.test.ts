/** The JavaScript of a package: that it is complete and small, and meets the needs of each host. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Model } from '@lamella/runtime/api';
import { expectedLogits, toyFiles, toyTextFiles } from '@lamella/runtime/test/toy-package';
import { build, transform } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleRuntime, bundles } from '../src/package/bundle.ts';
import type { Script } from '../src/package/scripts.ts';

const source = createRequire(import.meta.url).resolve;
const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
afterAll(() => rm(folder, { recursive: true }));

const contents = {
  name: 'toy',
  id: '0123',
  files: ['manifest.json', 'weights-0.bin', 'weights-1.bin', 'kernels.wasm'],
};
let scripts: readonly Script[];
beforeAll(async () => {
  scripts = await bundleRuntime({ ...contents, tokenizer: true, chat: true, webgpu: true });
  for (const { file, text } of scripts) await writeFile(join(folder, file), text);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
});

async function place(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}

const load = async (url?: string | URL): Promise<Model> =>
  (await import(pathToFileURL(join(folder, 'index.js')).href)).load(url);

test('the bundle beside its files is a package, loaded by default, by path and by address', async () => {
  await place(await toyFiles());
  for (const url of [undefined, folder, `${folder}/`, pathToFileURL(folder)]) {
    expect([...(await (await load(url)).logits([1, 2]))]).toEqual(expectedLogits([1, 2]));
  }
  await place(await toyTextFiles());
  let text = '';
  for await (const piece of (await load()).generate('bcd', { maxTokens: 5 })) text += piece.text;
  expect(text).toMatch(/^[a-o]{5}$/);
});

test('without a tokenizer its code is left out; a browser then downloads at most 30 kB', async () => {
  const bare = await bundles({ tokenizer: false, chat: false, webgpu: false });
  expect(bare.map(({ file }) => file)).toEqual(['index.js', 'parcel.js', 'node.js', 'worker.js', 'index.cjs']);
  const texts = new Map(bare.map(({ file, text }) => [file, text]));
  expect([...texts.values()].join('')).not.toMatch(/huggingface|requestAdapter/);
  const sizes = new Map(bare.map(({ file, text }) => [file, gzipSync(text).length]));
  for (const [file, bytes] of sizes) console.log(`${file}: ${bytes} bytes gzip`);
  const both = sizes.get('index.js')! + sizes.get('worker.js')!;
  console.log(`index.js and worker.js: ${both} bytes gzip`);
  expect(both).toBeLessThanOrEqual(30_000);
});

test('constraints are a script of their own, which a page loads for its first answer with a format', () => {
  const texts = new Map(scripts.map(({ file, text }) => [file, text]));
  const size = gzipSync(texts.get('constraint.js')!).length;
  expect(size).toBeGreaterThan(10_000);
  expect(size).toBeLessThan(24_000);
  expect(texts.get('worker.js')).not.toMatch(/patternProperties/);
});

test('a worker sends errors as codes, so its scripts have no sentences', () => {
  for (const { file, text } of scripts)
    expect(/the model was disposed of/.test(text), file).toBe(!['worker.js', 'constraint.js'].includes(file));
});

test('index.cjs is self-contained, because Jest has no import() without a flag', async () => {
  await place(await toyFiles());
  expect(scripts.find(({ file }) => file === 'index.cjs')!.text).not.toMatch(/\bimport\((?!\$)|import\.meta/);
  const required: { load(url?: string): Promise<Model> } = createRequire(import.meta.url)(join(folder, 'index.cjs'));
  for (const url of [undefined, folder]) {
    const model = await required.load(url);
    expect([...(await model.logits([1, 2]))]).toEqual(expectedLogits([1, 2]));
  }
});

test('a script that a bundler moved away from its files reports that, with a remedy', async () => {
  const away = await mkdtemp(join(tmpdir(), 'lamella-'));
  await writeFile(join(away, 'server.mjs'), scripts.find(({ file }) => file === 'node.js')!.text);
  const { load }: { load(url?: string): Promise<Model> } = await import(pathToFileURL(join(away, 'server.mjs')).href);
  await expect(load()).rejects.toThrow(/^L438 .*there is no file:.*manifest\.json.*ssr\.external.*--external:NAME/);
  await place(await toyFiles());
  expect([...(await (await load(folder)).logits([1, 2]))]).toEqual(expectedLogits([1, 2]));
  await rm(away, { recursive: true });
});

test('every import can be followed by browsers and bundlers', async () => {
  for (const { file } of scripts.filter((script) => script.file.endsWith('.js'))) {
    const { metafile } = await build({
      entryPoints: [join(folder, file)],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
    });
    expect(Object.keys(metafile.inputs)).toHaveLength(1);
    expect(Object.values(metafile.inputs).flatMap(({ imports }) => imports)).toEqual([]);
  }
});

test('bundlers follow no address that a script computes', () => {
  const comments = '/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ ';
  for (const file of ['index.js', 'parcel.js', 'node.js', 'worker.js']) {
    const { text } = scripts.find((script) => script.file === file)!;
    const calls = [...text.matchAll(/\b(?:import|new Worker)\((?!\$\{)(.{73})/g)].map(([, begin]) => begin);
    expect(calls.length, file).toBeGreaterThan(0);
    expect(
      calls.filter((begin) => begin !== comments),
      file,
    ).toEqual([]);
  }
});

test('every file is named once, by its URL; the worker names none, because bundlers may treat it as any kind of file', () => {
  const texts = new Map(scripts.map(({ file, text }) => [file, text]));
  const urls = (script: string) =>
    [...texts.get(script)!.matchAll(/new URL\("\.\/([^"]*)", import\.meta\.url\)/g)].map(([, file]) => file);
  expect(urls('index.js')).toEqual(['worker.js', 'constraint.js', ...contents.files]);
  expect(urls('node.js')).toEqual(['worker.js', 'constraint.js', ...contents.files]);
  const data = ['manifest.raw', 'weights-0.bin', 'weights-1.bin', 'kernels.wasm'];
  expect(urls('parcel.js')).toEqual(['worker.js', 'constraint.js', ...data]);
  for (const script of ['worker.js', 'constraint.js'])
    expect(texts.get(script)).not.toMatch(/import\.meta|^import |^export /m);
});

test('the API of a package has only declarations', async () => {
  for (const name of ['api', 'manifest', 'webgpu-manifest']) {
    const text = await readFile(source(`@lamella/runtime/${name}`), 'utf8');
    expect((await transform(text, { loader: 'ts' })).code).toBe('');
  }
});
