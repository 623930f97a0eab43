/** Bodies of answers, from both kinds of streams that browsers have, with lengths that servers tell, keep to themselves, or get wrong. */
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../src/response-bytes.ts';

const wanted = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 31) % 251);
const pieces = [1, 300_000, 262_144, 137_856].map((length, i, all) => {
  const from = all.slice(0, i).reduce((sum, n) => sum + n, 0);
  return wanted.slice(from, from + length);
});

describe.each(['bytes', 'default'] as const)('%s stream', (type) => {
  const body = (ending: (control: { error(cause: Error): void; close(): void }) => void) => {
    const start = (control: ReadableByteStreamController | ReadableStreamDefaultController) => {
      for (const piece of pieces) control.enqueue(piece.slice());
      ending(control);
    };
    return type === 'bytes' ? new ReadableStream({ type, start }) : new ReadableStream({ start });
  };

  test.each([{}, { 'content-length': '700001' }, { 'content-length': '12' }, { 'content-length': '9000000' }])(
    'headers %o',
    async (headers) => {
      let counted = 0;
      const read = await bytesOf(
        new Response(
          body((c) => c.close()),
          { headers },
        ),
        (bytes) => {
          counted += bytes;
        },
      );
      expect(Buffer.compare(read, wanted)).toBe(0);
      expect(counted).toBe(wanted.length);
    },
  );

  test('that breaks off', async () => {
    const broken = bytesOf(new Response(body((c) => c.error(new Error('cut')))));
    await expect(broken).rejects.toThrow('cut');
  });
});

test('nothing at all', async () => {
  expect(await bytesOf(new Response(null))).toEqual(new Uint8Array());
});
