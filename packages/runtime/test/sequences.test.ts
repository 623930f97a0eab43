/**
 * What a model keeps between calls: the tokens at the start of the next prompt are not computed
 * again, and every session continues from keys and values of its own. The toy's logits depend on
 * every token of the sequence, so a wrong state gives other tokens.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { load } from '../src/entry/every-part.ts';
import { CONTEXT, expectedLogits, fromMap, greedy, toyFiles, toyTextFiles, VOCAB } from './toy-package.ts';

const files = fromMap(await toyFiles());
const open = (sessions?: number) => load(files, { sessions });

test('the next turn of a conversation computes only its new tokens', async () => {
  const model = await open();
  let sequence: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const prompt = [...sequence, turn, 3];
    const { tokens, stats } = await model.generate(prompt, { maxTokens: 4 }).result();
    expect(tokens).toEqual(greedy(prompt, 4));
    // The last token of an answer is computed with the next prompt.
    expect(stats.cachedTokens).toBe(turn === 0 ? 0 : sequence.length - 1);
    sequence = [...prompt, ...tokens];
  }
});

test('any prompt gives what it gives alone, whatever was computed before', async () => {
  const model = await open();
  const prompt = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(prompt, { maxLength: 6 }), async (prompts) => {
      for (const ids of prompts) {
        expect((await model.generate(ids, { maxTokens: 3 }).result()).tokens).toEqual(greedy(ids, 3));
        expect([...(await model.logits(ids))]).toEqual(expectedLogits(ids));
      }
    }),
  );
});

test('logits of the last tokens only, after any earlier call', async () => {
  const model = await open();
  const ids = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(ids, fc.nat()), { maxLength: 6 }), async (calls) => {
      for (const [tokens, some] of calls) {
        const from = some % tokens.length;
        const wanted = tokens.map((_, i) => expectedLogits(tokens.slice(0, i + 1))).slice(from);
        expect((await model.logitsAll(tokens, from)).map((logits) => [...logits])).toEqual(wanted);
      }
    }),
  );
  await expect(model.logitsAll([1, 2], 2)).rejects.toThrow('L408 from must be a whole number from 0 to 1, not 2');
});

test('the same prompt again computes its last token only', async () => {
  const model = await open();
  await model.generate([1, 2, 3], { maxTokens: 1 }).result();
  expect((await model.generate([1, 2, 3], { maxTokens: 1 }).result()).stats.cachedTokens).toBe(2);
});

test('sessions in turn each give what they give alone, for many turns', async () => {
  const model = await open();
  const sessions = await Promise.all(Array.from({ length: 8 }, () => model.session()));
  const before = sessions.map(() => [] as number[]);
  const computed = sessions.map(() => 0);
  for (let turn = 0; turn < 1000; turn++) {
    const at = turn % 8;
    const session = sessions[at]!;
    if (before[at]!.length > CONTEXT - 8) {
      await session.rewind(2);
      before[at] = before[at]!.slice(0, 2);
    }
    const prompt = [...before[at]!, turn % VOCAB];
    const { tokens, stats } = await session.generate(prompt, { maxTokens: 2 }).result();
    expect(tokens).toEqual(greedy(prompt, 2));
    expect(stats.cachedTokens).toBe(Math.min(before[at]!.length, computed[at]!));
    before[at] = [...prompt, ...tokens];
    // The answer's last token is computed with the next prompt.
    computed[at] = before[at].length - 1;
    expect(session.tokens).toEqual(before[at]);
  }
});

test('random calls on sessions and the model agree with a plain list of tokens', async () => {
  const ids = fc.array(fc.integer({ min: 0, max: VOCAB - 1 }), { minLength: 1, maxLength: 4 });
  const call = fc.record({
    at: fc.nat(3),
    what: fc.constantFrom('generate', 'append', 'rewind', 'clone', 'save', 'model'),
    ids,
    keep: fc.nat(CONTEXT),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 25 }), async (calls) => {
      const model = await open(4);
      const sessions = await Promise.all([0, 1, 2, 3].map(() => model.session()));
      const lists: number[][] = [[], [], [], []];
      for (const { at, what, ids, keep } of calls) {
        const session = sessions[at]!;
        const list = lists[at]!;
        if (what === 'model') {
          expect((await model.generate(ids, { maxTokens: 2 }).result()).tokens).toEqual(greedy(ids, 2));
        } else if (what === 'rewind') {
          await session.rewind(Math.min(keep, list.length));
          lists[at] = list.slice(0, keep);
        } else if (what === 'clone') {
          const to = (at + 1) % 4;
          sessions[to]!.dispose();
          sessions[to] = await session.clone();
          lists[to] = [...list];
        } else if (what === 'save') {
          const to = (at + 1) % 4;
          await sessions[to]!.load(await session.save());
          lists[to] = [...list];
        } else if (list.length + ids.length + 2 <= CONTEXT) {
          await session.append(ids);
          lists[at] = [...list, ...ids];
          if (what === 'generate') {
            const { tokens } = await session.generate(undefined, { maxTokens: 2 }).result();
            expect(tokens).toEqual(greedy(lists[at]!, 2));
            lists[at]!.push(...tokens);
          }
        }
        expect(sessions.map(({ tokens }) => tokens)).toEqual(lists);
      }
      model.dispose();
    }),
    { numRuns: 50 },
  );
});

test('an answer that was left keeps the tokens that were read, in a session too', async () => {
  const model = await open();
  const session = await model.session();
  const generation = session.generate([1, 2]);
  let count = 0;
  for await (const _ of generation) if (++count === 3) break;
  expect(session.tokens).toEqual([1, 2, ...greedy([1, 2], 3)]);
  const { tokens } = await session.generate(undefined, { maxTokens: 2 }).result();
  expect([...greedy([1, 2], 3), ...tokens]).toEqual(greedy([1, 2], 5));
});

test('two sessions read by turns, piece by piece', async () => {
  const model = await open();
  const [one, two] = [await model.session(), await model.session()];
  const answers = [one.generate([1, 2], { maxTokens: 4 }), two.generate([5], { maxTokens: 4 })];
  const readers = answers.map((answer) => answer[Symbol.asyncIterator]());
  for (let i = 0; i < 4; i++) for (const reader of readers) await reader.next();
  expect(answers.map(({ tokens }) => tokens)).toEqual([greedy([1, 2], 4), greedy([5], 4)]);
});

test('a text prompt is the whole sequence; appended text has nothing added', async () => {
  const model = await load(fromMap(await toyTextFiles()));
  const session = await model.session();
  const whole = await session.generate('abc', { maxTokens: 2 }).result();
  expect(session.tokens).toEqual([...(await model.tokenizer!.encodePrompt('abc')), ...whole.tokens]);
  const { length } = session.tokens;
  await session.append('ab');
  expect(session.tokens.slice(length)).toEqual(await model.tokenizer!.encode('ab'));
});

test.each([
  [
    'position',
    (s: Awaited<ReturnType<typeof opened>>) => s.rewind(3),
    'L408 position must be a whole number from 0 to 2, not 3. Try a number of tokens',
  ],
  ['ids', (s: Awaited<ReturnType<typeof opened>>) => s.append([VOCAB]), 'L402'],
  ['text without a tokenizer', (s: Awaited<ReturnType<typeof opened>>) => s.append('a'), 'L406'],
  [
    'more than the context',
    (s: Awaited<ReturnType<typeof opened>>) => s.append(new Array(CONTEXT - 1).fill(0)),
    'L403',
  ],
  [
    'bytes that are none',
    (s: Awaited<ReturnType<typeof opened>>) => s.load([1] as unknown as Uint8Array),
    'L408 bytes must be a Uint8Array',
  ],
  [
    'bytes of something else',
    (s: Awaited<ReturnType<typeof opened>>) => s.load(new Uint8Array(9)),
    'L448 these bytes cannot be loaded as a session: they do not begin with a saved session',
  ],
])('%s: a refused call leaves the session as it was', async (_, call, message) => {
  const session = await opened();
  await expect(call(session)).rejects.toThrow(message);
  expect(session.tokens).toEqual([1, 2]);
  expect((await session.generate(undefined, { maxTokens: 3 }).result()).tokens).toEqual(greedy([1, 2], 3));
});

async function opened() {
  const session = await (await open()).session();
  await session.append([1, 2]);
  return session;
}

test('saved bytes that were damaged, or that another package saved, are refused', async () => {
  const session = await opened();
  const bytes = await session.save();
  const other = await (await load(fromMap(await toyTextFiles()))).session();
  await expect(other.load(bytes)).rejects.toThrow('they were saved by another package, or another version of it');
  for (let at = 0; at < bytes.length; at += at < 512 ? 1 : 7) {
    const damaged = bytes.slice();
    damaged[at]! ^= 16;
    await expect(session.load(damaged), `byte ${at}`).rejects.toThrow(
      at < 30 ? 'L448' : 'L448 these bytes cannot be loaded as a session: they are damaged',
    );
  }
  await session.load(bytes);
  expect((await session.generate(undefined, { maxTokens: 3 }).result()).tokens).toEqual(greedy([1, 2], 3));
});

test('the rows of the tokens are saved, and no others', async () => {
  const model = await open();
  const [session, longer] = [await model.session(), await model.session()];
  await longer.append(Array.from({ length: CONTEXT - 1 }, () => 15));
  const sizes: number[] = [];
  for (const count of [1, 5, CONTEXT - 1]) {
    await session.load((await longer.save()).slice());
    await session.rewind(0);
    await session.append(new Array(count).fill(1));
    const bytes = await session.save();
    sizes.push(bytes.length);
    // The running sums of these tokens; those of the longer sequence are multiples of 15.
    const sums = new Uint32Array(bytes.slice(512 + 4 * count).buffer);
    expect([...sums]).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  }
  // A line of JSON; four bytes for the id and four for the sum of each token.
  expect(sizes).toEqual([1, 5, CONTEXT - 1].map((count) => 512 + 8 * count));
});

test('no more sessions than the model was loaded for; disposing of one makes room', async () => {
  const model = await open(1);
  const session = await model.session();
  await expect(model.session()).rejects.toThrow(
    'L446 the model was loaded for 1 sessions, and all are open. Try dispose() of a session, or sessions: 2 among the options of load, its second argument',
  );
  session.dispose();
  session.dispose();
  expect(() => session.generate([1])).toThrow('L449 the session was disposed of. Try another session of the model');
  await expect(session.append([1])).rejects.toThrow('L449');
  await (await model.session()).append([3]);
  model.dispose();
  await expect(model.session()).rejects.toThrow('L411');
});

test('calls of one session run in order; a generation waits for none, and is refused until they have ended', async () => {
  const session = await opened();
  const appended = [session.append([3]), session.append([4])];
  expect(() => session.generate()).toThrow('L450 a call of this session has not ended');
  await session.rewind(3);
  await Promise.all(appended);
  expect(session.tokens).toEqual([1, 2, 3]);
  const bytes = await session.save();
  await Promise.all([session.append([5]), session.load(bytes), session.append([6])]);
  expect(session.tokens).toEqual([1, 2, 3, 6]);
  expect((await session.generate(undefined, { maxTokens: 2 }).result()).tokens).toEqual(greedy([1, 2, 3, 6], 2));
});

test('the tokens are a copy', async () => {
  const session = await opened();
  (session.tokens as number[]).push(9);
  expect(session.tokens).toEqual([1, 2]);
});

test('a text that does not fit leaves the session as it was', async () => {
  const model = await load(fromMap(await toyTextFiles()));
  const session = await model.session();
  await session.append([1, 2]);
  await expect(session.generate('a'.repeat(CONTEXT + 1)).result()).rejects.toThrow('L403');
  expect(session.tokens).toEqual([1, 2]);
  await session.append([3]);
});

test('a full session is saved, loaded and cloned', async () => {
  const session = await opened();
  const { finishReason } = await session.generate().result();
  expect(finishReason).toBe('context');
  expect(session.tokens).toHaveLength(CONTEXT + 1);
  const [other, copy] = [await (await open()).session(), await session.clone()];
  await other.load(await session.save());
  await copy.save();
  for (const each of [other, copy]) {
    expect(each.tokens).toEqual(session.tokens);
    await each.rewind(5);
    const { tokens, stats } = await each.generate(undefined, { maxTokens: 2 }).result();
    expect(tokens).toEqual(greedy(session.tokens.slice(0, 5), 2));
    expect(stats.cachedTokens).toBe(4);
  }
});

test.each([
  ['tokens', 1.5],
  ['tokens', -1],
  ['tokens', 1e9],
  ['tokens', '2'],
  ['tokens', {}],
  ['farthest', CONTEXT + 1],
  ['farthest', null],
  ['layout', {}],
])('a first line with %s: %j is refused', async (key, value) => {
  const session = await opened();
  const bytes = await session.save();
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, 512)));
  const forged = bytes.slice();
  forged.set(new TextEncoder().encode(JSON.stringify({ ...head, [key]: value }).padEnd(511)));
  await expect(session.load(forged)).rejects.toThrow('L448');
  expect(session.tokens).toEqual([1, 2]);
});
