import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, sha256 } from '../src/files/sha256.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const expected = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('equals the digest of the platform for any length, content and buffer offset', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(9), async (content, offset) => {
      const bytes = new Uint8Array(new Uint8Array(offset + content.length).buffer, offset);
      bytes.set(content);
      expect(hex(digestOf(bytes))).toBe(expected(content));
      expect(await sha256(bytes)).toBe(expected(content));
    }),
  ));

test('is right for every length around the ends of blocks', () => {
  for (let length = 50; length < 140; length++) {
    const bytes = new Uint8Array(length).fill(length);
    expect(hex(digestOf(bytes))).toBe(expected(bytes));
  }
});

test('is right for the size of a chunk', () => {
  const bytes = Uint8Array.from({ length: 4 << 20 }, (_, i) => (i * 167) >> 3);
  expect(hex(digestOf(bytes))).toBe(expected(bytes));
});
