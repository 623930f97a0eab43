import { bytes, count } from '@lamella/report/units';
import { afterEach, expect, test, vi } from 'vitest';
import { progress } from '../src/terminal/progress.ts';
import { meter, table } from '../src/terminal/table.ts';

afterEach(() => vi.restoreAllMocks());

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [4 << 20, '4.00 MiB'],
  [1000 * 1024, '1000 KiB'],
  [6 * 2 ** 30, '6.00 GiB'],
])('%i bytes are %s', (n, text) => {
  expect(bytes(n)).toBe(text);
});

test('digits are grouped', () => {
  expect(count(124_635_456)).toBe('124,635,456');
});

test('columns line up and lines end with their text', () => {
  const rows = [
    ['a', '1', 'x'],
    ['bcd', '22', ''],
  ];
  expect(table(rows, ['left', 'right', 'left'], '')).toBe('a     1  x\nbcd  22\n');
});

test.each([
  [0, ''],
  [0.5, '██'],
  [1, '████'],
  [1 / 32, '▏'],
  [2, '████'],
])('a meter of %f', (share, drawn) => {
  expect(meter(share, 4)).toBe(drawn);
});

/** Progress on a screen of the given kind, four steps a second apart. */
function steps(isTTY: boolean): string {
  const written: string[] = [];
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const shown = progress('packing', { isTTY, write: (text) => written.push(text) });
  for (const done of [1, 2, 3, 4]) {
    now += 1000;
    shown.update(done, 4);
  }
  shown.finish();
  return written.join('');
}

test('plain lines where there is no terminal', () => {
  expect(steps(false)).toBe('packing 25 %\npacking 50 %\npacking 75 %\npacking 100 %\n');
});

test('one line, redrawn and removed, on a terminal', () => {
  const drawn = steps(true);
  expect(drawn).toContain('50 %  2 s left');
  expect(drawn).not.toContain('\n');
  expect(drawn.endsWith('\r\x1b[2K')).toBe(true);
});
