/** Reads a call at every moment while it is written. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCall } from '../src/call.ts';

const call = fc.record({
  name: fc.string({ unit: 'grapheme' }),
  arguments: fc.dictionary(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean()),
  ),
});

test('each beginning of a call is read as far as it goes, and the whole call with its value', () => {
  fc.assert(
    fc.property(call, fc.boolean(), ({ name, arguments: given }, indented) => {
      const text = indented
        ? JSON.stringify({ name, arguments: given }, null, 2)
        : JSON.stringify({ name, arguments: given });
      const values = Object.entries(given).map(([key, value]) => [key, String(value)]);
      for (let length = text.indexOf('"name"') + 8; length < text.length; length++) {
        const begun = readCall(text.slice(0, length));
        if (!begun) continue;
        expect(begun.complete).toBe(false);
        expect(begun.arguments.length).toBeLessThanOrEqual(values.length);
        for (const [i, { name, value, complete }] of begun.arguments.entries()) {
          expect(name).toBe(values[i]![0]);
          if (complete) expect(value).toBe(values[i]![1]);
        }
      }
      const whole = readCall(text)!;
      expect([whole.name, whole.complete]).toEqual([name, true]);
      expect(whole.arguments.map(({ name, value }) => [name, value])).toEqual(values);
    }),
  );
});

test('a call is recognised before any part of it can be read', () => {
  for (const text of ['', '{', '{"na', '{"name":"']) expect(readCall(text)).toMatchObject({ name: '', named: false });
});

test('of an argument written twice the later one counts', () => {
  const { arguments: read } = readCall('{"name":"f","arguments":{"a":"1","b":"2","a":"3"}}')!;
  expect(read.map(({ name, value }) => name + value)).toEqual(['a3', 'b2']);
});

test.each(['The harbor', '{"title":"x"}', '[1]', '{ "x"'])('%s is not a call', (text) => {
  expect(readCall(text)).toBeNull();
});
