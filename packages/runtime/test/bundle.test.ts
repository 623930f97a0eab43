import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import type { Model } from '../src/face.ts';
import { expectedLogits, toyFiles, toyTextFiles } from './toy-package.ts';

const source = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
afterAll(() => rm(folder, { recursive: true }));

const { metafile } = await build({
  entryPoints: { index: source('entry-node.ts') },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outdir: folder,
  metafile: true,
});
const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({ file: basename(path), ...output }));

async function place(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}

const { load }: { load(): Promise<Model> } = await import(pathToFileURL(join(folder, 'index.js')).href);

test('the bundle beside its files is a package', async () => {
  await place(await toyFiles());
  expect([...(await load()).logits([1, 2])]).toEqual(expectedLogits([1, 2]));
  await place(await toyTextFiles());
  let text = '';
  for await (const piece of (await load()).generate('bcd', { maxTokens: 5 })) text += piece.text;
  expect(text).toMatch(/^[a-o]{5}$/);
});

test('index.js and what it always needs stay small, without the tokenizer library', () => {
  const always = new Set(['index.js']);
  for (const file of always) {
    const { imports = [] } = outputs.find((output) => output.file === file) ?? {};
    for (const { path, kind } of imports)
      if (kind === 'import-statement' && !path.startsWith('node:')) always.add(basename(path));
  }
  const loaded = outputs.filter(({ file }) => always.has(file));
  expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(32_000);
  const inputs = loaded.flatMap((output) => Object.keys(output.inputs));
  expect(inputs.filter((path) => /\/tokenizers?[./]/.test(path))).toEqual([]);
  expect(inputs.filter((path) => path.includes('package.ts'))).toHaveLength(1);
});

test('only node-files.ts and the entry need Node', async () => {
  const { metafile } = await build({
    entryPoints: [source('package.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
  });
  const imported = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imported.length).toBeGreaterThan(0);
  expect(imported.filter((path) => path.startsWith('node:'))).toEqual([]);
});

test('face.ts is a declaration file: it has no code, and an app type-checks against it', async () => {
  const [face, manifest] = [await readFile(source('face.ts'), 'utf8'), await readFile(source('manifest.ts'), 'utf8')];
  for (const text of [face, manifest]) expect((await transform(text, { loader: 'ts' })).code).toBe('');
  await writeFile(join(folder, 'index.d.ts'), face.replace('./manifest.ts', './manifest.js'));
  await writeFile(join(folder, 'manifest.d.ts'), manifest);
  const app = `import { load } from './index.js';
const model = await load();
for await (const { text } of model.generate('hello', { topK: 4 })) console.log(text satisfies string);
export const context: number = model.manifest.context;
// @ts-expect-error an unknown option
model.generate('hello', { topk: 4 });
`;
  await writeFile(join(folder, 'app.mts'), app);
  const tsc = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url));
  const flags = '--noEmit --strict --module nodenext --target es2023 --types node'.split(' ');
  execFileSync(
    tsc,
    [...flags, '--typeRoots', fileURLToPath(new URL('../../../node_modules/@types', import.meta.url)), 'app.mts'],
    {
      cwd: folder,
    },
  );
});
