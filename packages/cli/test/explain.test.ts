/** `lamella explain` prints the message of every code in both catalogues. */
import { catalogue as compileErrors } from '@lamella/graph/diagnostics';
import { catalogue as runtimeErrors } from '@lamella/runtime/catalogue';
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
For example:
  L104 kvHeads must divide heads: 9 / 4. Try kvHeads: 3
See reference/diagnostics.html#l104 in the documentation
`,
  });
  expect(explanation('l411')).toBe('L411 the model was disposed of\nTry loading the package again');
});

test.each(Object.keys({ ...compileErrors, ...runtimeErrors }))('%s has a cause and a remedy', (code) => {
  const [message, examples] = explanation(code).split('\nFor example:');
  expect(message).toMatch(new RegExp(`^${code} [^{}]+\n(Try [^{}]+|The remedy depends on the case)$`));
  if (message!.endsWith('depends on the case')) expect(examples).toBeDefined();
});

const codes = Object.entries<string>({ ...compileErrors, ...runtimeErrors });

test.each(codes)(
  'the examples of %s are whole messages; a remedy that depends on the case has several',
  (code, sentence) => {
    const [, ...messages] = explanation(code).split(/\n {2}(?=L\d)/);
    expect(messages.length > 0).toBe(sentence.includes('{'));
    for (const message of messages) {
      expect(message).toMatch(new RegExp(`^${code} .+ ?Try .+`, 's'));
      expect(message).not.toMatch(/\{\w+\}|<\w+>|undefined/);
    }
    if (!sentence.endsWith('Try: {remedy}')) return;
    const remedies = messages.map((message) => message.slice(message.lastIndexOf('Try ')));
    expect(new Set(remedies).size).toBeGreaterThan(1);
  },
);

test('an unknown code', async () => {
  await home.refuses(['explain', 'harbor'], 'L303', '"harbor"', 'L and three digits');
  expect(() => explanation('L999')).toThrow('L303 lamella explain does not take "L999"');
});
