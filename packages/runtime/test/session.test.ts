import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readManifest } from '../src/manifest/manifest-file.ts';
import { Session } from '../src/model/session.ts';
import { loadWasm } from '../src/wasm/driver.ts';
import { CONTEXT, expectedLogits, fromMap, TILE, toyFiles, VOCAB } from './toy-package.ts';

async function open() {
  const files = fromMap(await toyFiles());
  const manifest = await readManifest(files);
  const driver = await loadWasm(manifest, files);
  return { driver, session: new Session(manifest, driver) };
}

const { driver, session } = await open();
const token = fc.integer({ min: 0, max: VOCAB - 1 });

test('a sequence gives the same logits for every split into prefills and decodes', async () => {
  const prompt = fc.array(token, { minLength: 1, maxLength: 2 * TILE + 3 });
  return fc.assert(
    fc.asyncProperty(prompt, fc.array(token, { maxLength: 5 }), prompt, async (first, decoded, second) => {
      session.reset();
      await session.prefill(first);
      expect([...driver.logits]).toEqual(expectedLogits(first));
      decoded.forEach((id, i) => {
        session.decode(id);
        expect([...driver.logits]).toEqual(expectedLogits([...first, ...decoded.slice(0, i + 1)]));
      });
      const all = [...first, ...decoded, ...second].slice(0, CONTEXT);
      await session.prefill(all.slice(first.length + decoded.length));
      expect([...driver.logits]).toEqual(expectedLogits(all));
      expect(session.position).toBe(all.length);
    }),
  );
});

test('prefillAll gives every position its own copy', async () => {
  const tokens = Array.from({ length: 2 * TILE + 1 }, (_, i) => (i * 5) % VOCAB);
  session.reset();
  const all = await session.prefillAll(tokens);
  expect(all.map((logits) => [...logits])).toEqual(tokens.map((_, i) => expectedLogits(tokens.slice(0, i + 1))));
});

test('a full context is used to its last token', async () => {
  session.reset();
  await session.prefill(new Array<number>(CONTEXT - 1).fill(1));
  session.decode(2);
  expect(session.position).toBe(CONTEXT);
});

test.each([
  ['an empty prompt', [], 'L401'],
  [
    'an id past the end',
    [1, VOCAB],
    `L402 token id ${VOCAB} is outside the vocabulary of ${VOCAB}. Try ids from 0 to ${VOCAB - 1}`,
  ],
  ['a negative id', [1, -1], 'L402'],
  ['half an id', [0.5], 'L402'],
  [
    'too many tokens',
    new Array<number>(CONTEXT).fill(1),
    `L403 ${CONTEXT + 2} tokens do not fit the context of ${CONTEXT}`,
  ],
])('%s is refused and leaves the session as it was', async (_, tokens, message) => {
  session.reset();
  await session.prefill([3, 4]);
  const before = new Uint8Array(driver.memory.buffer.slice(0));
  await expect(session.prefill(tokens)).rejects.toThrow(message);
  await expect(session.prefillAll(tokens)).rejects.toThrow(message);
  expect(new Uint8Array(driver.memory.buffer)).toEqual(before);
});

test('decode refuses a bad id and a full context, and leaves the session as it was', async () => {
  session.reset();
  await session.prefill(new Array<number>(CONTEXT).fill(1));
  const before = new Uint8Array(driver.memory.buffer.slice(0));
  expect(() => session.decode(VOCAB)).toThrow('L402');
  expect(() => session.decode(1)).toThrow('L403');
  expect(new Uint8Array(driver.memory.buffer)).toEqual(before);
});

test('decoding keeps the same memory, of the planned size', async () => {
  const buffer = driver.memory.buffer;
  const logits = session.logits();
  session.reset();
  await session.prefill([1]);
  for (let i = 1; i < CONTEXT; i++) session.decode(i % VOCAB);
  expect(driver.memory.buffer).toBe(buffer);
  expect(session.logits()).toBe(logits);
  expect(session.peakBytes).toBe(session.plannedBytes);
  expect(() => driver.memory.grow(1)).toThrow();
});
