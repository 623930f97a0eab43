/**
 * Bodies of answers, from both kinds of streams in browsers, with content-lengths that are right,
 * missing or wrong.
 */
import { describe, expect, test } from 'vitest';
import { bytesOf, Received } from '../src/files/response-bytes.ts';

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
      const received = new Received();
      const answer = new Response(
        body((c) => c.close()),
        { headers },
      );
      await received.append(answer, (bytes) => {
        counted += bytes;
      });
      expect(Buffer.compare(received.take(), wanted)).toBe(0);
      expect(counted).toBe(wanted.length);
    },
  );

  test('an interrupted body leaves its beginning, and another answer continues from there', async () => {
    const received = new Received(2 * wanted.length);
    let sent = 0;
    const pull = (control: ReadableByteStreamController | ReadableStreamDefaultController) => {
      if (sent < pieces.length) control.enqueue(pieces[sent++]!.slice());
      else control.error(new Error('cut'));
    };
    const broken = type === 'bytes' ? new ReadableStream({ type, pull }) : new ReadableStream({ pull });
    await expect(received.append(new Response(broken))).rejects.toThrow('cut');
    expect(Buffer.compare(received.soFar, wanted)).toBe(0);
    await received.append(new Response(body((c) => c.close())));
    expect(Buffer.compare(received.take(), Buffer.concat([wanted, wanted]))).toBe(0);
  });

  test('an endless body is not read beyond the expected bytes', async () => {
    const received = new Received(1000);
    await received.append(new Response(body(() => {})));
    expect(received.length).toBeGreaterThan(1000);
  });
});

test('an empty body', async () => {
  expect(await bytesOf(new Response(null))).toEqual(new Uint8Array());
});
