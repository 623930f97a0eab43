/** A file keeps its line endings and byte order mark through the editor. */
import { expect, test } from 'vitest';
import { shown, stored } from '../src/document/endings.ts';

test.each([
  ['', 'a\nb', 'a\nb'],
  ['a\n', 'a\nb\n', 'a\nb\n'],
  ['a\r\nb\r\n', 'a\nx\nb\n', 'a\r\nx\r\nb\r\n'],
  ['\ufeffa\r\n', 'b\n', '\ufeffb\r\n'],
  ['\ufeffa\ufeff\n', 'b\ufeff\n', '\ufeffb\ufeff\n'],
  ['a\ufeff\n', 'b\ufeff\n', 'b\ufeff\n'],
  ['a\r\nb\nc\r\nd', 'a\nb\nx\nc\nd', 'a\r\nb\nx\r\nc\r\nd'],
  ['a\r\nb\nc\nd\r\n', 'a\nd\n', 'a\r\nd\r\n'],
  ['a\rb\r', 'a\nb\nc\n', 'a\rb\rc\r'],
])('%j, edited to %j', (before, text, after) => {
  expect(stored(before, text)).toBe(after);
  expect(stored(before, shown(before))).toBe(before);
  expect(shown(after)).toBe(text);
});
