/**
 * Several calls on one model: their order, which call makes room for which, and that each gives the
 * same result as alone.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GenerateOptions, Generation, Piece } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { CONTEXT, expectedLogits, fromMap, toyFiles, toyTextFiles, VOCAB } from './toy-package.ts';

const files = fromMap(await toyFiles());
const textFiles = fromMap(await toyTextFiles());
const other = await load(files);

/** The result of a generation on a model of its own. */
const alone = (prompt: readonly number[], options: GenerateOptions) => other.generate(prompt, options).result();

// Patience uses timers; these fire as soon as there is no other work.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => {
  vi.useRealTimers();
});

async function collect(generation: Generation): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of generation) pieces.push(piece);
  return pieces;
}

/** Appends `name` to `log` when `call` has ended. */
const noted = async <T>(log: string[], name: string, call: Promise<T>): Promise<T> => {
  const result = await call;
  log.push(name);
  return result;
};

describe('the queue', () => {
  test('calls are answered in the order in which they start', async () => {
    const model = await load(files);
    const log: string[] = [];
    const late = model.generate([3], { maxTokens: 4 });
    const results = await Promise.all([
      noted(log, 'first', model.generate([1], { maxTokens: 30 }).result()),
      noted(log, 'logits', model.logits([1, 2])),
      noted(log, 'second', model.generate([2], { maxTokens: 3 }).result()),
      noted(log, 'all', model.logitsAll([4])),
      noted(log, 'late', late.result()),
    ]);
    expect(log).toEqual(['first', 'logits', 'second', 'all', 'late']);
    expect(results[0].tokens).toEqual((await alone([1], { maxTokens: 30 })).tokens);
    expect([...results[1]]).toEqual(expectedLogits([1, 2]));
    expect(results[2].tokens).toEqual((await alone([2], { maxTokens: 3 })).tokens);
    expect(results[4].tokens).toEqual((await alone([3], { maxTokens: 4 })).tokens);
  });

  test('a generation that is never read does not block others', async () => {
    const model = await load(files);
    model.generate([1]);
    expect([...(await model.logits([1]))]).toEqual(expectedLogits([1]));
  });

  test('a call that fails makes room', async () => {
    const model = await load(textFiles);
    const failing = expect(model.generate('').result()).rejects.toThrow('L401');
    const next = model.generate([1], { maxTokens: 2 }).result();
    await failing;
    expect((await next).tokens).toHaveLength(2);
  });

  test('a call inside a loop over pieces is answered, and the loop continues unchanged', async () => {
    const model = await load(files);
    const tokens: number[] = [];
    for await (const { token } of model.generate([1, 2], { maxTokens: 12, temperature: 1, seed: 5 })) {
      tokens.push(token);
      if (tokens.length % 4 === 0) expect([...(await model.logits([7]))]).toEqual(expectedLogits([7]));
    }
    expect(tokens).toEqual((await alone([1, 2], { maxTokens: 12, temperature: 1, seed: 5 })).tokens);
  });

  test('an idle reader lets the next call go first, and later continues at its position', async () => {
    const model = await load(files);
    const options = { maxTokens: 20, temperature: 1.5, repetitionPenalty: 1.2, seed: 3 };
    const forgotten = model.generate([1, 2, 3], options);
    const iterator = forgotten[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    expect((await model.generate([5], options).result()).tokens).toEqual((await alone([5], options)).tokens);
    expect([...(await model.logits([1]))]).toEqual(expectedLogits([1]));
    expect(forgotten.tokens).toHaveLength(2);
    expect((await forgotten.result()).tokens).toEqual((await alone([1, 2, 3], options)).tokens);
    expect(forgotten.stats.generatedTokens).toBe(20);
  });

  test('two generations read alternately both give the right pieces', async () => {
    const model = await load(files);
    const generations = [1, 2].map((id) => model.generate([id], { maxTokens: 8 }));
    const iterators = generations.map((generation) => generation[Symbol.asyncIterator]());
    for (let i = 0; i < 9; i++) for (const iterator of iterators) await iterator.next();
    for (const [i, { tokens }] of generations.entries())
      expect(tokens).toEqual((await alone([i + 1], { maxTokens: 8 })).tokens);
  });
});

describe('abort', () => {
  test('an aborted call that waits leaves the queue at once', async () => {
    const model = await load(files);
    const holder = model.generate([1])[Symbol.asyncIterator]();
    await holder.next();
    const control = new AbortController();
    const waiting = model.generate([2], { signal: control.signal });
    const result = waiting.result();
    control.abort();
    expect(await result).toMatchObject({ tokens: [], finishReason: 'abort' });
    expect((await holder.next()).done).toBe(false);
  });

  test('a generation aborted between two pieces makes room without a reader', async () => {
    vi.useRealTimers();
    const model = await load(files);
    const control = new AbortController();
    const generation = model.generate([1], { signal: control.signal });
    const iterator = generation[Symbol.asyncIterator]();
    await iterator.next();
    const logits = model.logits([3]);
    control.abort();
    expect(generation.finishReason).toBe('abort');
    expect([...(await logits)]).toEqual(expectedLogits([3]));
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test("React's StrictMode: an effect, its cleanup, and the effect again", async () => {
    const model = await load(textFiles);
    const shown: string[] = [];
    const errors: unknown[] = [];
    /** What a component does in `useEffect`. */
    const effect = () => {
      const control = new AbortController();
      let text = '';
      const read = async () => {
        for await (const piece of model.generate('bcd', { maxTokens: 9, signal: control.signal })) {
          text += piece.text;
          if (!control.signal.aborted) shown.push(text);
        }
      };
      const reading = read().catch((error) => errors.push(error));
      return { reading, cleanup: () => control.abort() };
    };
    const first = effect();
    first.cleanup();
    const second = effect();
    await Promise.all([first.reading, second.reading]);
    expect(errors).toEqual([]);
    expect(shown).toHaveLength(9);
    expect(shown.at(-1)).toBe((await model.generate('bcd', { maxTokens: 9 }).result()).text);
  });

  test('leaving the loop while another call waits makes room at once', async () => {
    const model = await load(files);
    const waiting = [model.logits([1])];
    for await (const _ of model.generate([1])) {
      waiting.push(model.logits([2]));
      break;
    }
    expect((await Promise.all(waiting)).map((row) => [...row])).toEqual([expectedLogits([1]), expectedLogits([2])]);
  });

  test('an iterator that is returned while it waits ends at once', async () => {
    const model = await load(files);
    const holder = model.generate([1])[Symbol.asyncIterator]();
    await holder.next();
    const waiting = model.generate([2])[Symbol.asyncIterator]();
    const next = waiting.next();
    expect(await waiting.return!()).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

describe('reading', () => {
  const options = { maxTokens: 6 };

  test('the result is available without iterating, after it, and during it', async () => {
    const model = await load(textFiles);
    const expected = await model.generate('bcd', options).result();
    expect(expected).toMatchObject({ finishReason: 'length', stats: { promptTokens: 3, generatedTokens: 6 } });
    expect(expected.tokens).toEqual((await alone([1, 2, 3], options)).tokens);
    expect(expected.text).toHaveLength(6);

    const after = model.generate('bcd', options);
    expect((await collect(after)).map(({ token }) => token)).toEqual(expected.tokens);
    const { text, tokens, finishReason } = expected;
    expect(await after.result()).toMatchObject({ text, tokens, finishReason });

    const during = model.generate('bcd', options);
    const [pieces, result] = await Promise.all([collect(during), during.result()]);
    expect(result).toMatchObject({ text, tokens, finishReason });
    expect(pieces.map(({ token }) => token)).toEqual(tokens);
  });

  test('every reader gets all pieces, once each', async () => {
    const model = await load(textFiles);
    const generation = model.generate('bcd', options);
    await generation.result();
    const [one, two, three] = await Promise.all([collect(generation), collect(generation), collect(generation)]);
    expect(one).toHaveLength(6);
    expect([two, three]).toEqual([one, one]);
    expect(one.map(({ text }) => text).join('')).toBe(generation.text);
  });

  test('leaving the loop does not end a generation that another reader reads', async () => {
    const model = await load(files);
    const generation = model.generate([1], options);
    const result = generation.result();
    for await (const _ of generation) break;
    expect(await result).toMatchObject({ finishReason: 'length', tokens: { length: 6 } });
  });

  test('changing a piece affects no other reader', async () => {
    const model = await load(files);
    const generation = model.generate([1], options);
    for await (const piece of generation) {
      Object.assign(piece, { token: 0 });
      (generation.tokens as number[]).push(99);
    }
    expect((await collect(generation)).map(({ token }) => token)).toEqual((await alone([1], options)).tokens);
  });
});

describe('disposing', () => {
  test('waiting and later calls fail with L411', async () => {
    const model = await load(files);
    const generation = model.generate([1]);
    const holder = generation[Symbol.asyncIterator]();
    await holder.next();
    const waiting = [model.logits([1]), model.generate([2]).result()].map((call) =>
      expect(call).rejects.toThrow('L411'),
    );
    model.dispose();
    await Promise.all(waiting);
    await expect(holder.next()).rejects.toThrow('L411');
    await expect(generation.result()).rejects.toThrow('L411');
    expect(() => model.generate([1])).toThrow('L411');
    await expect(model.logitsAll([1])).rejects.toThrow('L411');
  });

  test('pending and later tokenizer calls fail with L411', async () => {
    const model = await load(textFiles);
    const { encode, encodePrompt, decode } = model.tokenizer!;
    const waiting = [encode('bcd'), encodePrompt('bcd')].map((call) => expect(call).rejects.toThrow('L411'));
    model.dispose();
    await Promise.all(waiting);
    for (const call of [() => encode('b'), () => encodePrompt('b'), () => decode([1])])
      await expect(call()).rejects.toThrow('L411');
  });

  test('`using` disposes of the model', async () => {
    const model = await load(files);
    model[Symbol.dispose]();
    expect(() => model.generate([1])).toThrow('L411');
  });
});

/** One action of an app; `which` is the index of one of its generations. */
type Deed =
  | { readonly kind: 'generate'; readonly prompt: readonly number[]; readonly options: GenerateOptions }
  | { readonly kind: 'next' | 'drain' | 'result' | 'break' | 'abort'; readonly which: number }
  | { readonly kind: 'logits'; readonly prompt: readonly number[] }
  | { readonly kind: 'wait'; readonly turns: number };

test('in any order of calls nothing hangs, and each call gives the same result as alone', async () => {
  const prompt = fc.array(fc.nat(VOCAB - 1), { minLength: 1, maxLength: 12 });
  const options = fc.record(
    {
      maxTokens: fc.integer({ min: 1, max: CONTEXT }),
      temperature: fc.constantFrom(0, 1, 3),
      repetitionPenalty: fc.constantFrom(1, 1.3),
      topK: fc.constantFrom(0, 4),
    },
    { requiredKeys: [] },
  );
  const deed: fc.Arbitrary<Deed> = fc.oneof(
    fc.record({ kind: fc.constant('generate' as const), prompt, options }),
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('next', 'next', 'drain', 'result', 'break', 'abort'),
        which: fc.nat(9),
      }),
    },
    fc.record({ kind: fc.constant('logits' as const), prompt }),
    fc.record({ kind: fc.constant('wait' as const), turns: fc.nat(6) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 25 }), fc.boolean(), async (deeds, disposes) => {
      const model = await load(files);
      const calls: Promise<unknown>[] = [];
      const all: {
        generation: Generation;
        iterator: AsyncIterator<Piece>;
        abort(): void;
        expected: readonly number[];
      }[] = [];
      for (const deed of deeds) {
        const one = 'which' in deed ? all[deed.which % all.length] : undefined;
        if (deed.kind === 'wait') for (let i = 0; i < deed.turns; i++) await Promise.resolve();
        else if (deed.kind === 'logits')
          calls.push(model.logits(deed.prompt).then((row) => expect([...row]).toEqual(expectedLogits(deed.prompt))));
        else if (deed.kind === 'generate') {
          const control = new AbortController();
          const generation = model.generate(deed.prompt, { ...deed.options, signal: control.signal });
          const expected = (await alone(deed.prompt, { ...deed.options, seed: generation.seed })).tokens;
          const iterator = generation[Symbol.asyncIterator]();
          all.push({ generation, iterator, expected, abort: () => control.abort() });
        } else if (one) {
          const { generation, iterator } = one;
          if (deed.kind === 'next') calls.push(iterator.next());
          if (deed.kind === 'drain')
            calls.push(collect(generation).then((pieces) => expect(pieces).toHaveLength(generation.tokens.length)));
          if (deed.kind === 'result') calls.push(generation.result());
          if (deed.kind === 'break') calls.push(iterator.return!());
          if (deed.kind === 'abort') one.abort();
        }
      }
      if (disposes) {
        model.dispose();
        const ends = await Promise.allSettled([...calls, ...all.map(({ generation }) => generation.result())]);
        for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'L411' });
      } else {
        await Promise.all(calls);
        for (const { generation } of all) await generation.result();
        expect([...(await model.logits([1]))]).toEqual(expectedLogits([1]));
      }
      for (const { generation, expected } of all) {
        const { tokens, finishReason } = generation;
        expect(tokens).toEqual(finishReason && finishReason !== 'abort' ? expected : expected.slice(0, tokens.length));
        expect(finishReason !== null || disposes).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});
