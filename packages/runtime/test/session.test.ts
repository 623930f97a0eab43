import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readManifest } from '../src/manifest-file.ts';
import { Session } from '../src/session.ts';
import { loadWasm } from '../src/wasm-driver.ts';
import { CONTEXT, expectedLogits, fromMap, TILE, toyFiles, VOCAB } from './toy-package.ts';

async function open() {
  const files = fromMap(await toyFiles());
  const manifest = await readManifest(files);
  const driver = await loadWasm(manifest, files);
  return { driver, session: new Session(manifest, driver) };
}

const { driver, session } = await open();
const token = fc.integer({ min: 0, max: VOCAB - 1 });

test('a sequence gives the same logits however it is cut into prefills and decodes', () => {
  const prompt = fc.array(token, { minLength: 1, maxLength: 2 * TILE + 3 });
  fc.assert(
    fc.property(prompt, fc.array(token, { maxLength: 5 }), prompt, (first, decoded, second) => {
      session.reset();
      session.prefill(first);
      expect([...session.logits]).toEqual(expectedLogits(first));
      decoded.forEach((id, i) => {
        session.decode(id);
        expect([...session.logits]).toEqual(expectedLogits([...first, ...decoded.slice(0, i + 1)]));
      });
      const all = [...first, ...decoded, ...second].slice(0, CONTEXT);
      session.prefill(all.slice(first.length + decoded.length));
      expect([...session.logits]).toEqual(expectedLogits(all));
      expect(session.position).toBe(all.length);
    }),
  );
});

test('prefillAll gives every position its own copy', () => {
  const tokens = Array.from({ length: 2 * TILE + 1 }, (_, i) => (i * 5) % VOCAB);
  session.reset();
  const all = session.prefillAll(tokens);
  expect(all.map((logits) => [...logits])).toEqual(tokens.map((_, i) => expectedLogits(tokens.slice(0, i + 1))));
});

test('a full context is used to its last token', () => {
  session.reset();
  session.prefill(new Array<number>(CONTEXT - 1).fill(1));
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
])('%s is refused and leaves the session as it was', (_, tokens, message) => {
  session.reset();
  session.prefill([3, 4]);
  const before = new Uint8Array(driver.memory.buffer.slice(0));
  expect(() => session.prefill(tokens)).toThrow(message);
  expect(() => session.prefillAll(tokens)).toThrow(message);
  expect(new Uint8Array(driver.memory.buffer)).toEqual(before);
});

test('decode refuses a bad id and a full context, and leaves the session as it was', () => {
  session.reset();
  session.prefill(new Array<number>(CONTEXT).fill(1));
  const before = new Uint8Array(driver.memory.buffer.slice(0));
  expect(() => session.decode(VOCAB)).toThrow('L402');
  expect(() => session.decode(1)).toThrow('L403');
  expect(new Uint8Array(driver.memory.buffer)).toEqual(before);
});

test('decoding keeps the same memory, of the planned size', () => {
  const buffer = driver.memory.buffer;
  const logits = session.logits;
  session.reset();
  session.prefill([1]);
  for (let i = 1; i < CONTEXT; i++) session.decode(i % VOCAB);
  expect(driver.memory.buffer).toBe(buffer);
  expect(session.logits).toBe(logits);
  expect(session.peakBytes).toBe(session.plannedBytes);
  expect(() => driver.memory.grow(1)).toThrow();
});
