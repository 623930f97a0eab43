import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InspectReport, Manifest, TokenizerFiles } from '@lamella/runtime/manifest';
import { afterAll, expect, test } from 'vitest';
import { apiTypes, apiTypesFile, faceTypes, faceTypesFile } from '../build/api-types.ts';
import { facesOf } from '../src/package/faces.ts';
import { packageTypes as typesOf } from '../src/package/package-types.ts';
import { runtimeTexts } from '../src/package/runtime-texts.ts';

const { faceTypes: writtenTypes } = runtimeTexts;
const packageTypes = (name: string, of: Manifest) => typesOf(name, of, runtimeTexts.apiTypes);

const folder = mkdtempSync(path.join(tmpdir(), 'lamella-types-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tokenizer: TokenizerFiles = {
  file: 'tokenizer.bin',
  sha256: '',
  config: 'tokenizer_config.json',
  configSha256: '',
  eos: [2],
  before: [1],
  after: [],
  promptPrefix: '',
  promptSuffix: '',
};

/** The parts of a manifest that the types depend on. */
function manifest(tokenizer: TokenizerFiles | null): Manifest {
  const report: Partial<InspectReport> = { parameters: 124_635_456, executions: 60, weightSets: 30 };
  const known: Partial<Manifest> = { name: 'ls', vocab: 32_000, context: 2048, quant: 'q8', tokenizer };
  return { ...known, report } as Manifest;
}

const nodenext = '--module nodenext --target es2023 --lib es2023,dom';

/** Type-checks an app against a package with these types, with library checks on. */
function checkApp(name: string, types: string, app: string, flags = nodenext): void {
  const dir = path.join(folder, name);
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'index.d.ts'), types);
  for (const face of facesOf({ tokenizer: true }))
    writeFileSync(path.join(dir, `${face.name}.d.ts`), writtenTypes(face));
  writeFileSync(path.join(dir, 'package.json'), '{ "type": "module" }');
  writeFileSync(path.join(dir, 'app.mts'), app);
  const strict = '--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck false';
  const tsc = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url));
  try {
    const all = [...`${strict} ${flags}`.split(' '), ...(flags.includes('--types') ? [] : ['--types', '']), 'app.mts'];
    execFileSync(tsc, all, { cwd: dir, encoding: 'utf8' });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}

test('an app needs only one file, with the model at its top', () => {
  const types = packageTypes('@me/ls', manifest(tokenizer));
  expect(types).toMatch(
    /^\/\*\*\n \* ls: 124,635,456 parameters as q8, 60 block executions over 30 weight sets; vocabulary 32000, context 2048 tokens\.\n/,
  );
  expect(types).not.toMatch(/^import /m);
  expect(types).toContain(" *     import { load } from '@me/ls';\n");
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

const typeRoots = fileURLToPath(new URL('../../../node_modules/@types', import.meta.url));

test.each([
  ['node16', '--module node16 --target es2022 --lib es2022,dom'],
  ['bundler', '--module esnext --moduleResolution bundler --target es2022 --lib es2022,dom'],
  ['a current library', '--module nodenext --target esnext --lib esnext,dom'],
  ['neither a browser nor Node', '--module nodenext --target es2022 --lib es2022'],
  ['Node', `--module nodenext --target es2022 --lib es2022 --types node --typeRoots ${typeRoots}`],
])('the types are clean for %s, and every option may be undefined', (name, flags) => {
  checkApp(
    name.replaceAll(' ', '-'),
    packageTypes('@me/ls', manifest(tokenizer)),
    `import { LamellaError, load, type GenerateOptions, type LamellaErrorCode, type LoadOptions } from './index.js';
import { languageModel } from './ai-sdk.js';
import { createLanguageModel, type LanguageModel } from './prompt-api.js';
const none = undefined as number | undefined;
(await createLanguageModel(load).create({ signal: undefined })) satisfies LanguageModel;
languageModel(await load()).modelId satisfies string;
const loading: LoadOptions = { threads: none, device: undefined, signal: undefined, onProgress: undefined };
const options: GenerateOptions = { temperature: none, topK: none, seed: none, maxTokens: none, signal: undefined, stop: '.' };
const model = await load(undefined, loading);
const { text, tokens, finishReason, stats } = await model.generate(new Uint32Array([1, 2]), options).result();
[text, ...tokens, finishReason, stats.peakBytes] satisfies (string | number)[];
model.generate('hello', { stop: undefined, eos: new Int32Array([2]) }).seed satisfies number;
try {
  await model.logits([1]);
} catch (error) {
  if (error instanceof LamellaError) error.code satisfies LamellaErrorCode;
}
const wrong: LamellaErrorCode[] = ['L401'];
// @ts-expect-error there is no such code
wrong.push('L499');
// @ts-expect-error only the package creates errors
new LamellaError();
`,
    flags,
  );
});

test('`using` and `await using` dispose of the model', () => {
  checkApp(
    'using',
    packageTypes('@me/ls', manifest(null)),
    `import { load } from './index.js';
{
  using model = await load();
  await using other = await load();
  [model, other] satisfies Disposable[];
}
`,
    '--module nodenext --target es2022 --lib es2022,dom,esnext.disposable',
  );
});

test('the comments are self-contained: they name no missing file, and explain every error code', () => {
  const types = packageTypes('@me/ls', manifest(tokenizer));
  // A file of the package itself.
  const named = types.replaceAll('constraint.js', '');
  expect(named.match(/\b[a-z][\w./-]*\.(ts|md|js)\b/g)).toBeNull();
  for (const [code] of types.matchAll(/L4\d\d/g)) expect(types).toContain(` * - ${code}: `);
});

test('every exported type has a comment, which an editor shows', () => {
  const all = [packageTypes('@me/ls', manifest(tokenizer)), ...facesOf({ tokenizer }).map(writtenTypes)];
  for (const types of all) expect(types.match(/(?<!\*\/\n)^export .*/gm)).toBeNull();
});

test('the hooks for React keep the types of the package', () => {
  checkApp(
    'react',
    packageTypes('@me/ls', manifest(null)),
    `import { load, type PackageModel, type Result } from './index.js';
import { useGeneration, useModel } from './react.js';
const { model, progress, error, fallback } = useModel(load, { device: 'auto', url: undefined });
model satisfies PackageModel | null;
[progress, fallback?.reason, String(error)] satisfies unknown[];
const { text, generate, stats } = useGeneration(model);
(await generate([1, 2], { maxTokens: 4 })) satisfies Result | null;
[text, stats?.generatedTokens] satisfies unknown[];
// @ts-expect-error there is no tokenizer
generate('hello');
// @ts-expect-error not for the app
useModel(load, { onProgress: () => {} });
if (model) useGeneration(await model.session()).generate();
`,
  );
});

test('without a tokenizer, text is an error in the editor', () => {
  checkApp(
    'ids',
    packageTypes('@me/ls', manifest(null)),
    `import { load, type Model } from './index.js';
const model = await load();
for await (const { token } of model.generate([1, 2, 3], { maxTokens: 4 })) token satisfies number;
model satisfies Model;
// @ts-expect-error there is no tokenizer
model.generate('hello');
// @ts-expect-error no stop strings without text
model.generate([1], { stop: ['.'] });
// @ts-expect-error
model.tokenizer.encode('hello');
`,
  );
});

test('the types of every package equal the current types of the runtime', () => {
  const again = 'npm run golden writes them again';
  expect(readFileSync(apiTypesFile, 'utf8'), again).toBe(apiTypes());
  for (const { name } of facesOf({ tokenizer: true }))
    expect(readFileSync(faceTypesFile(name), 'utf8'), again).toBe(faceTypes(name));
});
