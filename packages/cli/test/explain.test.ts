/** `lamella explain` prints the message of every code in both catalogues. */
import { catalogue as compileErrors } from '@lamella/graph/diagnostics';
import { catalogue as runtimeErrors } from '@lamella/runtime/lamella-error';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explanation } from '../src/commands/explain.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

test('a code of the compiler and one of the runtime, in upper and lower case', async () => {
  expect(await home.lamella('explain', 'L104')).toEqual({
    code: 0,
    stderr: '',
    stdout: `L104 kvHeads must divide heads: <heads> / <kvHeads>
Try kvHeads: <suggestion>
See reference/diagnostics.html#l104 in the documentation
`,
  });
  expect(explanation('l411')).toBe('L411 the model was disposed of\nTry loading the package again');
});

test.each(Object.keys({ ...compileErrors, ...runtimeErrors }))('%s has a cause and a remedy', (code) => {
  expect(explanation(code)).toMatch(new RegExp(`^${code} [^{}]+\nTry [^{}]+$`));
});

test('an unknown code', async () => {
  await home.refuses(['explain', 'harbor'], 'L303', '"harbor"', 'L and three digits');
  expect(() => explanation('L999')).toThrow('L303 lamella explain does not take "L999"');
});
