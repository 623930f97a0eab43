/** Places in the author's file: from the stacks of every engine, and as the author would type them. */
import { expect, test } from 'vitest';
import { authorFrame, fromWorkingFolder, withLocate } from '../src/site.ts';

const inner = `    at inner (${new URL('../src/trace.ts', import.meta.url)}:1:1)`;
const withStack = (frame: string) => Object.assign(new Error(), { stack: [inner, frame].join('\n') });
const place = { file: 'author:graphs/x.ts', line: 3, column: 7 };

test.each([
  ['V8, in a function', '    at layer (author:graphs/x.ts:3:7)'],
  ['V8, at the top', '    at author:graphs/x.ts:3:7'],
  ['V8, at the top, after await', '    at async author:graphs/x.ts:3:7'],
  ['Firefox and Safari, in a function', 'layer@author:graphs/x.ts:3:7'],
  ['Firefox and Safari, at the top', '@author:graphs/x.ts:3:7'],
])('%s', (_, frame) => {
  const error = withStack(frame);
  expect(authorFrame(error)).toEqual(place);
  expect(
    withLocate(
      (at) => ({ ...at, line: at.line + 1 }),
      () => authorFrame(error),
    ),
  ).toEqual({ ...place, line: 4 });
});

test.each([
  ['    at layer (C:\\models\\a b.ts:3:7)', 'C:\\models\\a b.ts'],
  ['    at C:\\models (2)\\a.ts:3:7', 'C:\\models (2)\\a.ts'],
  ['    at file:///C:/models/a%20b.ts:3:7', 'C:/models/a b.ts'],
  ['    at Object.<anonymous> (/models (2)/a.ts:3:7)', '/models (2)/a.ts'],
])('the file of %j', (frame, file) => expect(authorFrame(withStack(frame))).toEqual({ ...place, file }));

test.each([
  ['/home/zoë/models/a b.ts', '/home/zoë', 'models/a b.ts'],
  ['file:///home/zo%C3%AB/%231%20100%25/a.ts', '/home/zoë', '#1 100%/a.ts'],
  ['/home/zoë-too/a.ts', '/home/zoë', '/home/zoë-too/a.ts'],
  ['/home/back\\slash.ts', '/home', 'back\\slash.ts'],
  ['C:\\Users\\Zoë\\a b.ts', 'C:\\Users', 'Zoë\\a b.ts'],
  ['file:///C:/Users/Zo%C3%AB/%231/a.ts', 'C:\\Users\\Zoë', '#1/a.ts'],
  ['file:///D:/a.ts', 'C:\\Users', 'D:/a.ts'],
  ['\\\\server\\share\\models\\a.ts', '\\\\server\\share', 'models\\a.ts'],
  ['file://server/share/models/a.ts', '\\\\server\\share', 'models/a.ts'],
])('%s in %s is %s', (file, cwd, shown) => expect(fromWorkingFolder(file, cwd)).toBe(shown));
