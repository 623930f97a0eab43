/** The names and versions that `--name` and `--package-version` accept. */
import { builtinModules } from 'node:module';
import { expect, test } from 'vitest';
import { isNpmName, npmName, npmNameOfModel, npmVersion } from '../src/package/npm-rules.ts';

/** The message of a refusal; null if the text is accepted. */
function refusal(parse: (text: string) => string, text: string): string | null {
  try {
    expect(parse(text)).toBe(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

test.each(['model', '@me/model', '@me/125m', 'a.b_c-d', `@me/${'x'.repeat(210)}`])('the name %s', (name) =>
  expect(refusal(npmName('--name'), name)).toBeNull(),
);

test.each([
  ['', 'a name, such as @me/model'],
  ['Model', 'model'],
  ['@Me/My Model', '@me/my-model'],
  ['@me', 'me'],
  ['me/model', 'me-model'],
  ['@a/b/c', '@b/c'],
  ['.model', 'model'],
  ['_model', 'model'],
  ['@me/.model', '@me/model'],
  ['wörter', 'worter'],
  ['model~1', 'model-1'],
  ['node_modules', 'my-node_modules'],
  ['fs', 'fs-model'],
  ['@me/con', '@me/my-con'],
  ['../model', 'model'],
  ['m\nn', 'm-n'],
])('the name %j is refused, with %s as the remedy', (name, better) => {
  expect(refusal(npmName('--name'), name)).toBe(`L303 --name does not take ${JSON.stringify(name)}. Try ${better}`);
  if (name !== '') expect(refusal(npmName('--name'), better)).toBeNull();
});

test('a name is refused beyond 214 characters, and quoted in part', () => {
  const message = refusal(npmName('--name'), 'x'.repeat(215))!;
  expect(message).toBe(`L303 --name does not take "${'x'.repeat(40)}…". Try ${'x'.repeat(100)}`);
});

test('a model that is called like a module of Node has another name in npm', () => {
  expect(npmNameOfModel('MobileLLM-125M')).toBe('mobilellm-125m');
  expect(npmNameOfModel('Path')).toBe('path-model');
});

test('every module of this Node is refused', () => {
  expect(builtinModules.filter(isNpmName)).toEqual([]);
});

test.each(['0.0.0', '1.2.0', '1.2.0-beta.1', '1.0.0-0.3.7', '1.0.0-x-y.z', '10.20.30-sha0123'])(
  'the version %s',
  (version) => expect(refusal(npmVersion('--package-version'), version)).toBeNull(),
);

test.each([
  ...['', '1', '1.2', 'v1.2.0', '1.2.0.0', '01.2.0', '1.2.0-', '1.2.0-01', '1.2.0-a..b', '1.2.0+build', '^1.2.0'],
  ...['latest', ' 1.2.0', '1.2.0\n', '9007199254740992.0.0', `1.0.0-${'x'.repeat(251)}`],
])('the version %j is refused', (version) => {
  expect(refusal(npmVersion('--package-version'), version)).toMatch(
    /^L303 --package-version does not take ".*"\. Try a version such as 1\.2\.0 or 1\.2\.0-beta\.1$/,
  );
});
