import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InspectReport, Manifest, TokenizerFiles } from '@lamella/runtime/manifest';
import { afterAll, expect, test } from 'vitest';
import { packageTypes } from '../src/package-types.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'lamella-types-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tokenizer: TokenizerFiles = {
  file: 'tokenizer.json',
  config: 'tokenizer_config.json',
  eos: [2],
  bos: 1,
  promptPrefix: '',
  promptSuffix: '',
};

/** A manifest as far as types look at it. */
function manifest(tokenizer: TokenizerFiles | null): Manifest {
  const report: Partial<InspectReport> = { parameters: 124_635_456, executions: 60, weightSets: 30 };
  const known: Partial<Manifest> = { name: 'ls', vocab: 32_000, context: 2048, quant: 'q8', tokenizer };
  return { ...known, report } as Manifest;
}

/** Type-checks an app against a package with these types, as a user of the package would. */
function checkApp(name: string, types: string, app: string): void {
  const dir = path.join(folder, name);
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'index.d.ts'), types);
  writeFileSync(path.join(dir, 'app.mts'), app);
  const flags = '--noEmit --strict --module nodenext --target es2023 --lib es2023,dom --types'.split(' ');
  const tsc = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url));
  try {
    execFileSync(tsc, [...flags, '', 'app.mts'], { cwd: dir, encoding: 'utf8' });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}

test('one file, with the model at its top, is all that an app needs', () => {
  const types = packageTypes(manifest(tokenizer));
  expect(types).toMatch(
    /^\/\*\*\n \* ls: 124,635,456 parameters as q8, 60 block executions over 30 weight sets; vocabulary 32000/,
  );
  expect(types).not.toMatch(/^import /m);
  checkApp(
    'text',
    types,
    `import { load, type GenerateOptions, type Manifest, type Stats } from './index.js';
const model = await load();
const options: GenerateOptions = { topK: 4, stop: ['.'] };
for await (const { text } of model.generate('hello', options)) text satisfies string;
(await model.tokenizer.encode('hello')) satisfies number[];
model.generate([1, 2]).stats satisfies Stats;
model.manifest satisfies Manifest;
// @ts-expect-error an unknown option
model.generate('hello', { topk: 4 });
`,
  );
});

test('without a tokenizer, text is an error in the editor', () => {
  checkApp(
    'ids',
    packageTypes(manifest(null)),
    `import { load, type Model } from './index.js';
const model = await load();
for await (const { token } of model.generate([1, 2, 3], { maxTokens: 4 })) token satisfies number;
model satisfies Model;
// @ts-expect-error there is no tokenizer
model.generate('hello');
// @ts-expect-error nor text that could stop
model.generate([1], { stop: ['.'] });
// @ts-expect-error
model.tokenizer.encode('hello');
`,
  );
});
