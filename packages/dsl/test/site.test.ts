/** The place of a call, in the author's file, as the author would type it. */
import { expect, test } from 'vitest';
import { authorFrame, fromWorkingFolder } from '../src/site.ts';

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

test.each([
  ['    at model (C:\\models\\a b.ts:3:14)', 'C:\\models\\a b.ts'],
  ['    at file:///C:/models/a%20b.ts:3:14', 'C:/models/a b.ts'],
  ['    at async /models/a b.ts:3:14', '/models/a b.ts'],
  ['    at C:\\models (2)\\a.ts:3:14', 'C:\\models (2)\\a.ts'],
  ['    at Object.<anonymous> (/models (2)/a.ts:3:14)', '/models (2)/a.ts'],
  ['model@https://example.com/a.js:3:14', 'https://example.com/a.js'],
])('a frame: %s', (frame, file) => {
  const error = new Error();
  error.stack = `Error\n    at node:internal/modules:1:1\n${frame}`;
  expect(authorFrame(error)).toEqual({ file, line: 3, column: 14 });
});
