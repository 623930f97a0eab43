import { formats, fuzz } from '@lamella/checkpoint/test/fuzz';
import { expect, test } from 'vitest';

test.each(Object.keys(formats))(
  '%s, however damaged, is read or refused in words: a minute',
  async (format) => {
    const seed = Date.now() % 1_000_000_000; // a different minute of random damage each time; a failure prints its seed
    const { refused, read } = await fuzz(format, { milliseconds: 60_000 }, seed);
    console.log(`${format}: ${refused} refused, ${read} read, from seed ${seed}`);
    expect(refused).toBeGreaterThan(500);
  },
  120_000,
);
