import { expect, test } from 'vitest';
import { formats, fuzz } from './fuzz.ts';

test.each(Object.keys(formats))('%s, however damaged, is read or refused in words', async (format) => {
  const { refused, read } = await fuzz(format, { cases: 60 });
  expect(refused).toBeGreaterThan(3);
  expect(read).toBeGreaterThan(0);
});
