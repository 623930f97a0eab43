/**
 * The face for the Prompt API, by the rules of its specification, with the toy: a message is a
 * letter for its role, its letters and an end token, so every prompt is written by hand.
 * `test/faces` runs a page of the API in a browser.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { GenerateOptions, LoadOptions, Model, Prompt } from '../../src/api.ts';
import { load as loadFiles } from '../../src/entry/every-part.ts';
import { createLanguageModel } from '../../src/faces/prompt-api/prompt-api.ts';
import type {
  DownloadProgress,
  LanguageModel,
  LanguageModelClass,
  PromptInput,
} from '../../src/faces/prompt-api/types.ts';
import { CONTEXT, fromMap, greedy, toyChatFiles, toyTextFiles } from '../toy-package.ts';

const model: Model = await loadFiles(fromMap(await toyChatFiles()), { sessions: 2 });

/** The prompts that were generated from, in letters. */
let prompts: string[];
/** The loads that the test finishes. */
let loads: { readonly options: LoadOptions; finish(error?: unknown): void }[];
/** Called when an answer begins. */
let whenAsked: () => void;
let Short: LanguageModelClass;
const opened: LanguageModel[] = [];
beforeEach(() => {
  prompts = [];
  loads = [];
  whenAsked = () => {};
  for (const session of opened.splice(0)) session.destroy();
  Short = createLanguageModel(async () => short);
});

/** The toy, whose answers end after two tokens; it would write until the context is full. */
const short: Model = { ...model, generate: (...given) => twoTokens(model, ...given), session: shortSession };

function twoTokens(place: Pick<Model, 'generate'>, prompt: Prompt, options?: GenerateOptions) {
  whenAsked();
  const generation = place.generate(prompt, { maxTokens: 2, ...options });
  const written = generation.result().then(() => {
    if (options?.maxTokens === undefined) prompts.push(lettersOf(generation.promptTokens));
  });
  written.catch(() => {});
  return generation;
}

async function shortSession() {
  const session = await model.session();
  return new Proxy(session, {
    get(_, name) {
      if (name === 'generate') return (...given: [Prompt, GenerateOptions]) => twoTokens(session, ...given);
      if (name === 'clone') return shortSession;
      const own: unknown = session[name as keyof typeof session];
      return typeof own === 'function' ? own.bind(session) : own;
    },
  });
}

const lettersOf = (ids: readonly number[]) =>
  ids.map((id) => (id === 15 ? '.' : String.fromCharCode(97 + id))).join('');
const idsOf = (text: string) => [...text].map((letter) => (letter === '.' ? 15 : letter.charCodeAt(0) - 97));
/** The answer of two tokens after a prompt in letters. */
const answerTo = (prompt: string): string => lettersOf(greedy(idsOf(prompt), 2)).split('.')[0]!;

const create = async (options: Parameters<LanguageModelClass['create']>[0] = {}, api = Short) => {
  const session = await api.create({ temperature: 0, ...options });
  opened.push(session);
  return session;
};

/** The name of the error that a promise rejects with. */
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing',
    (error) => error.name,
  );

async function all(stream: ReadableStream<string>): Promise<string[]> {
  const pieces: string[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
  return pieces;
}

describe('creating', () => {
  function waiting(): LanguageModelClass {
    return createLanguageModel(
      (_, options = {}) =>
        new Promise((resolve, reject) => {
          options.signal!.addEventListener('abort', () => reject(options.signal!.reason));
          loads.push({ options, finish: (error) => (error ? reject(error) : resolve(short)) });
        }),
    );
  }

  test('the model is loaded once: downloadable, downloading, available', async () => {
    const api = waiting();
    expect(await api.availability()).toBe('downloadable');
    const both = [create({}, api), create({}, api)];
    await expect.poll(() => api.availability()).toBe('downloading');
    loads[0]!.finish();
    await Promise.all(both);
    expect(await api.availability()).toBe('available');
    expect(loads).toHaveLength(1);
  });

  test('the monitor hears 0, rising shares, and 1', async () => {
    const api = waiting();
    const heard: number[] = [];
    const again: number[] = [];
    const creating = create(
      {
        monitor(monitor) {
          monitor.addEventListener('downloadprogress', (event) => {
            const { loaded, total } = event as unknown as DownloadProgress;
            heard.push(loaded / total);
          });
          monitor.ondownloadprogress = ({ loaded }) => again.push(loaded);
        },
      },
      api,
    );
    await expect.poll(() => loads).toHaveLength(1);
    for (const done of [0, 1, 1, 3, 4]) loads[0]!.options.onProgress!(done, 4);
    loads[0]!.finish();
    await creating;
    expect(heard).toEqual([0, 0.25, 0.75, 1]);
    expect(again).toEqual(heard);
  });

  test('an aborted creation rejects at once; the load ends with the last of them, and begins again', async () => {
    const api = waiting();
    const [first, second] = [new AbortController(), new AbortController()];
    const creating = [first, second].map(({ signal }) => failure(api.create({ signal })));
    await expect.poll(() => loads).toHaveLength(1);
    first.abort();
    expect(await creating[0]).toBe('AbortError');
    expect(loads[0]!.options.signal!.aborted).toBe(false);
    second.abort(new RangeError('mine'));
    expect(await creating[1]).toBe('RangeError');
    expect(loads[0]!.options.signal!.aborted).toBe(true);
    expect(await api.availability()).toBe('downloadable');
    const third = create({}, api);
    await expect.poll(() => loads).toHaveLength(2);
    loads[1]!.finish();
    await third;
    expect(await failure(api.create({ signal: AbortSignal.abort() }))).toBe('AbortError');
  });

  test('a load that fails is a NetworkError or an OperationError; the next creation loads again', async () => {
    const api = waiting();
    const failed = async (error: object) => {
      const creating = failure(api.create());
      const { length } = loads;
      await expect.poll(() => loads.length).toBe(length + 1);
      loads.at(-1)!.finish(error);
      return creating;
    };
    expect(await failed(Object.assign(new Error('offline'), { code: 'L415' }))).toBe('NetworkError');
    expect(await failed(Object.assign(new Error('no device'), { code: 'L412' }))).toBe('OperationError');
    expect(await failed(new EvalError('of the page'))).toBe('EvalError');
  });

  test('a package without a chat template is unavailable', async () => {
    const plain = await loadFiles(fromMap(await toyTextFiles()));
    const api = createLanguageModel(async () => plain);
    const error = await api.create().catch((error) => error);
    expect([error.name, error.message]).toEqual(['NotSupportedError', expect.stringContaining('L451')]);
    expect(await api.availability()).toBe('unavailable');
  });

  test.each([
    [{ expectedInputs: [{ type: 'text', languages: ['en', 'de-CH'] }, { type: 'tool-response' }] }, 'nothing'],
    [{ expectedOutputs: [{ type: 'text' }, { type: 'tool-call' }] }, 'nothing'],
    [{ expectedInputs: [{ type: 'image' }] }, 'NotSupportedError'],
    [{ expectedOutputs: [{ type: 'audio' }] }, 'NotSupportedError'],
    [{ expectedInputs: [{ type: 'smell' }] }, 'TypeError'],
    [{ expectedInputs: [{ type: 'text', languages: ['not a language'] }] }, 'RangeError'],
    [{ samplingMode: 'creative' }, 'nothing'],
    [{ samplingMode: 'wild' }, 'TypeError'],
    [{ samplingMode: 'creative', topK: 4 }, 'TypeError'],
    [{ temperature: -1 }, 'RangeError'],
    [{ topK: 0 }, 'RangeError'],
    [{ topK: Number.POSITIVE_INFINITY, temperature: Number.POSITIVE_INFINITY }, 'nothing'],
    [{ tools: [{ name: 'a', description: 'b', inputSchema: {} }] }, 'TypeError'],
    [{ monitor: 5 }, 'TypeError'],
    [{ signal: 5 }, 'TypeError'],
    [{ initialPrompts: [{ role: 'user', content: 'a'.repeat(CONTEXT) }] }, 'QuotaExceededError'],
    [
      {
        initialPrompts: [
          { role: 'user', content: 'a' },
          { role: 'system', content: 'b' },
        ],
      },
      'TypeError',
    ],
    [5, 'TypeError'],
  ])('%j: %s', async (options, name) => {
    const creating = Short.create(options as object);
    expect(await failure(creating)).toBe(name);
    if (name === 'nothing') (await creating).destroy();
    else if (/Supported/.test(name)) expect(await Short.availability(options as object)).toBe('unavailable');
  });

  test('sampling: raw parameters, or a mode', async () => {
    const raw = await create({ temperature: 9, topK: 5.7 });
    expect([raw.temperature, raw.topK, raw.samplingMode]).toEqual([2, 5, 'balanced']);
    const usual = await Short.create();
    const { defaultTemperature, defaultTopK } = await Short.params();
    expect([usual.temperature, usual.topK]).toEqual([defaultTemperature, defaultTopK]);
    usual.destroy();
    expect(() => new (Short as unknown as new () => unknown)()).toThrow('Illegal constructor');
    expect(raw).toBeInstanceOf(Short);
  });
});

describe('prompting', () => {
  test('a conversation: each prompt follows what was said; the streamed answer is the same', async () => {
    const session = await create({ initialPrompts: [{ role: 'system', content: 'a' }] });
    expect(session.contextUsage).toBe(4);
    const first = await session.prompt('bc');
    expect(first).toBe(answerTo('ma.nbc.o'));
    expect(session.contextUsage).toBe(10);
    const second = (await all(session.promptStreaming('d'))).join('');
    expect(second).toBe(answerTo(`ma.nbc.o${first}.nd.o`));
    expect(prompts).toEqual(['ma.nbc.o', `ma.nbc.o${first}.nd.o`]);
    expect(session.inputUsage).toBe(session.contextUsage);
    expect(session.inputQuota).toBe(CONTEXT);
  });

  test.each<[PromptInput | object, string]>([
    ['', 'n.o'],
    [[], 'n.o'],
    [
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
      'na.ob.o',
    ],
    [
      [
        {
          role: 'user',
          content: [
            { type: 'text', value: 'a' },
            { type: 'text', value: 'b' },
          ],
        },
      ],
      'nab.o',
    ],
    [[{ role: 'user', content: [] }], 'n.o'],
    [
      [
        { role: 'system', content: 'a' },
        { role: 'user', content: 'b' },
      ],
      'ma.nb.o',
    ],
    [
      [
        { role: 'user', content: 'a' },
        { role: 'system', content: 'b' },
      ],
      'TypeError',
    ],
    [
      [
        { role: 'assistant', content: 'a', prefix: true },
        { role: 'user', content: 'b' },
      ],
      'SyntaxError',
    ],
    [[{ role: 'user', content: 'a', prefix: true }], 'SyntaxError'],
    [[{ role: 'user', content: [{ type: 'image', value: 'a' }] }], 'NotSupportedError'],
    [[{ role: 'assistant', content: [{ type: 'audio', value: 'a' }] }], 'NotSupportedError'],
    [[{ role: 'user', content: [{ type: 'text', value: 5 }] }], 'TypeError'],
    [[{ role: 'king', content: 'a' }], 'TypeError'],
    [[{ role: 'user' }], 'TypeError'],
    [['a'], 'TypeError'],
  ])('%j: %s', async (input, written) => {
    const session = await create();
    const name = await failure(session.prompt(input as PromptInput));
    if (written.endsWith('Error')) {
      expect(name).toBe(written);
      expect(await failure(all(session.promptStreaming(input as PromptInput)))).toBe(written);
      expect(session.contextUsage).toBe(0);
    } else expect(prompts).toEqual([written]);
  });

  test('a prefix begins the answer and is not part of what prompt returns', async () => {
    const session = await create();
    const input = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'bb', prefix: true },
    ] as const;
    const text = await session.prompt(input);
    expect(text).toBe(answerTo('na.obb'));
    await session.prompt('c');
    expect(prompts).toEqual(['na.obb', `na.obb${text}.nc.o`]);
  });

  test('append, measure, clone: two continuations of one conversation', async () => {
    const session = await create();
    expect(await session.measureContextUsage('ab')).toBe(5);
    await session.append([{ role: 'system', content: 'a' }]);
    await session.append('b');
    expect(session.contextUsage).toBe(7);
    expect(await session.measureInputUsage('ab')).toBe(4);
    const clone = await session.clone();
    opened.push(clone);
    await session.prompt('c');
    await clone.prompt('d');
    expect(prompts).toEqual(['ma.nb.nc.o', 'ma.nb.nd.o']);
    expect(await failure(session.append([{ role: 'system', content: 'a' }]))).toBe('TypeError');
  });

  test('more sessions than the model has room for answer the same', async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => create()));
    for (const session of sessions) expect(await session.prompt('bc')).toBe(answerTo('nbc.o'));
    const clones = await Promise.all(sessions.map((session) => session.clone()));
    for (const clone of clones) await clone.prompt('d');
    expect(new Set(prompts.slice(4))).toEqual(new Set([`nbc.o${answerTo('nbc.o')}.nd.o`]));
    opened.push(...clones);
  });
});

describe('overflow', () => {
  test('the oldest turns are removed, never the initial prompts, and the events say so', async () => {
    const session = await create({ initialPrompts: [{ role: 'system', content: 'abc' }] });
    const events: string[] = [];
    session.addEventListener('contextoverflow', ({ type }) => events.push(type));
    session.onquotaoverflow = (event) => events.push((event as globalThis.Event).type);
    const first = await session.prompt('b'.repeat(12));
    const second = await session.prompt('c');
    expect(events).toEqual([]);
    await session.prompt('d'.repeat(10));
    expect(events).toEqual(['contextoverflow', 'quotaoverflow']);
    expect(prompts.at(-1)).toBe(`mabc.nc.o${second}.n${'d'.repeat(10)}.o`);
    expect(prompts[1]).toContain(first);
  });

  test('a call that is aborted removes nothing', async () => {
    const session = await create();
    const events: string[] = [];
    session.addEventListener('contextoverflow', ({ type }) => events.push(type));
    const first = await session.prompt('b'.repeat(12));
    const second = await session.prompt('c'.repeat(8));
    const before = session.contextUsage;
    const control = new AbortController();
    whenAsked = () => control.abort();
    const long = 'd'.repeat(8);
    expect(await failure(session.prompt(long, { signal: control.signal }))).toBe('AbortError');
    expect([events, session.contextUsage]).toEqual([[], before]);
    whenAsked = () => {};
    await session.prompt(long);
    expect(events).toEqual(['contextoverflow']);
    expect(prompts.at(-1)).not.toContain(`${first}.n`);
    expect(prompts.at(-1)).toContain(second);
  });

  test('what cannot fit is refused, and nothing is removed', async () => {
    const session = await create({ initialPrompts: [{ role: 'system', content: 'abc' }] });
    await session.prompt('b');
    const before = session.contextUsage;
    const error = await session.prompt('c'.repeat(CONTEXT)).catch((error) => error);
    expect(error).toMatchObject({ name: 'QuotaExceededError', requested: CONTEXT + 8, quota: CONTEXT });
    expect(session.contextUsage).toBe(before);
    await session.prompt('d');
    expect(prompts.at(-1)).toMatch(/^mabc\.nb\.o/);
  });
});

test('an answer that ended before it satisfied its constraint is an error', async () => {
  const session = await create();
  expect(await session.prompt('a', { responseConstraint: /[b-d]{2}/ })).toMatch(/^[b-d]{2}$/);
  const before = session.contextUsage;
  expect(await failure(session.prompt('a', { responseConstraint: /[b-d]{3}/ }))).toBe('OperationError');
  expect(await failure(all(session.promptStreaming('a', { responseConstraint: /[b-d]{3}/ })))).toBe('OperationError');
  expect(session.contextUsage).toBe(before);
});

describe('aborting', () => {
  test('a prompt that waits, one that runs, and the calls after them', async () => {
    const session = await create();
    const [first, second] = [new AbortController(), new AbortController()];
    const running = failure(session.prompt('a', { signal: first.signal }));
    const waiting = failure(session.prompt('b', { signal: second.signal }));
    const last = session.prompt('c');
    second.abort();
    expect(await waiting).toBe('AbortError');
    first.abort();
    expect(await running).toBe('AbortError');
    expect(await last).toBe(answerTo('nc.o'));
    expect(prompts.at(-1)).toBe('nc.o');
    expect(await failure(session.prompt('a', { signal: AbortSignal.abort() }))).toBe('AbortError');
  });

  test('a stream that is cancelled leaves no trace', async () => {
    const session = await create();
    const reader = session.promptStreaming('a').getReader();
    await reader.cancel();
    await session.prompt('b');
    expect(prompts.at(-1)).toBe('nb.o');
    const control = new AbortController();
    const stream = session.promptStreaming('c', { signal: control.signal });
    control.abort();
    expect(await failure(all(stream))).toBe('AbortError');
    expect(() => session.promptStreaming('c', { signal: AbortSignal.abort() })).toThrow('abort');
  });

  test('destroy ends every call, and later ones; so does the signal of create', async () => {
    const control = new AbortController();
    const session = await create({ signal: control.signal });
    const calls = [session.prompt('a'), session.append('b'), session.clone(), session.measureContextUsage('a')];
    const stream = all(session.promptStreaming('c'));
    session.destroy();
    session.destroy();
    for (const call of [...calls, stream, session.prompt('a')]) expect(await failure(call)).toBe('AbortError');
    const other = await create({ signal: control.signal });
    control.abort(new RangeError('mine'));
    expect(await failure(other.prompt('a'))).toBe('RangeError');
  });
});
