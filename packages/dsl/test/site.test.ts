/** Places in the author's file, from the stacks of every engine. */
import { expect, test } from 'vitest';
import { authorFrame, withLocate } from '../src/site.ts';

const place = { file: 'author:graphs/x.ts', line: 3, column: 7 };

test.each([
  ['V8, in a function', '    at layer (author:graphs/x.ts:3:7)'],
  ['V8, at the top', '    at author:graphs/x.ts:3:7'],
  ['Firefox and Safari, in a function', 'layer@author:graphs/x.ts:3:7'],
  ['Firefox and Safari, at the top', '@author:graphs/x.ts:3:7'],
])('%s', (_, frame) => {
  const stack = [`    at inner (${new URL('../src/trace.ts', import.meta.url)}:1:1)`, frame];
  const error = Object.assign(new Error(), { stack: stack.join('\n') });
  expect(authorFrame(error)).toEqual(place);
  expect(
    withLocate(
      (at) => ({ ...at, line: at.line + 1 }),
      () => authorFrame(error),
    ),
  ).toEqual({ ...place, line: 4 });
});
