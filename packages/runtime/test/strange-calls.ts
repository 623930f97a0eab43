/**
 * Calls with wrong and almost right arguments, and their results. It is one self-contained
 * function, so that it can be sent to a page: Node and pages must answer the same.
 */
import type { Model, Piece } from '../src/api.ts';

/** By name: the number of the error, thrown or rejected, or the result. `model` has a tokenizer. */
export async function strangeCalls(model: Model): Promise<Record<string, unknown>> {
  const throwing = () => {
    throw new Error('boom');
  };
  const touchy = (target: object) =>
    new Proxy(target, { get: throwing, ownKeys: throwing, has: throwing, getOwnPropertyDescriptor: throwing });
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return proxy;
  };
  class Settings {
    maxTokens = 2;
    get stop() {
      return undefined;
    }
  }
  const control = new AbortController();
  const noText: Record<string, unknown> = {
    null: null,
    undefined: undefined,
    number: 5,
    bigint: 5n,
    true: true,
    symbol: Symbol('x'),
    function: () => 'x',
    object: {},
    'a text in an object': new String('x'),
    map: new Map([[0, 1]]),
    promise: Promise.resolve('x'),
    'array-like': { length: 1, 0: 1 },
    view: new DataView(new ArrayBuffer(4)),
    bigints: new BigUint64Array([1n]),
    'touchy object': touchy({}),
    'touchy list': touchy([1]),
    revoked: revoked(),
  };
  const noIds: Record<string, unknown> = {
    hole: Object.assign(new Array(3), { 0: 1 }),
    text: ['1'],
    half: [1.5],
    NaN: [Number.NaN],
    negative: new Int32Array([-1]),
    halves: new Float32Array([1, 1.5]),
    'far out': [model.manifest.vocab],
    lists: [[1]],
    nulls: [null],
  };
  const rightIds: Record<string, unknown> = {
    list: [1, 2],
    u32: new Uint32Array([1, 2]),
    i32: new Int32Array([1, 2]),
    u8: new Uint8Array([1, 2]),
    proxy: new Proxy([1, 2], {}),
    frozen: Object.freeze([1, 2]),
  };
  const options: Record<string, unknown> = {
    null: null,
    list: [],
    text: 'x',
    number: 5,
    map: new Map([['maxTokens', 5]]),
    promise: Promise.resolve({}),
    touchy: touchy({}),
    getter: Object.defineProperty({}, 'maxTokens', { get: throwing, enumerable: true }),
    'unknown name': { toString: 1 },
    'null in it': { maxTokens: null },
    'text in it': { temperature: '1' },
    'NaN in it': { temperature: Number.NaN },
    'bigint in it': { topK: 5n },
    'no seed': { seed: 2 ** 32 },
    'no signal': { signal: control },
    'empty stop': { stop: '' },
    'hole in stop': { stop: new Array(2) },
    'number as stop': { stop: 5 },
    'no eos': { eos: ['2'] },
    'bias in a list': { logitBias: [1] },
    'bias of no id': { logitBias: { one: 1 } },
    'bias without end': { logitBias: { 1: Number.NEGATIVE_INFINITY } },
    'bias far out': { logitBias: { [model.manifest.vocab]: 1 } },
    '21 logprobs': { logprobs: 21 },
    'no format': { responseFormat: {} },
    'circular format': { responseFormat: { type: 'json_schema', schema: globalThis } },
    'circular stop': { stop: Object.assign(['x'], { 0: globalThis }) },
  };
  const rightOptions: Record<string, object> = {
    plain: { maxTokens: 2 },
    proxy: new Proxy({ maxTokens: 2 }, {}),
    instance: new Settings(),
    inherited: Object.create({ maxTokens: 2 }),
    bare: Object.assign(Object.create(null), { maxTokens: 2 }),
    undefineds: { maxTokens: 2, stop: undefined, signal: undefined, seed: undefined },
    'eos as u32': { maxTokens: 2, eos: new Uint32Array([0]) },
    'proxies in it': { maxTokens: 2, stop: new Proxy(['zzz'], {}), eos: new Proxy([0], {}) },
  };

  const said: Record<string, unknown> = {};
  const numberOf = (error: unknown) => {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    return code ? `${code} ${message.length < 300 ? 'in short' : message}` : `no LamellaError: ${message}`;
  };
  /** Records whether the call throws, rejects or answers. */
  const note = async (name: string, call: () => unknown) => {
    let answer: unknown;
    try {
      answer = call();
    } catch (error) {
      said[name] = `throws ${numberOf(error)}`;
      return;
    }
    try {
      said[name] = await answer;
    } catch (error) {
      said[name] = `rejects: ${numberOf(error)}`;
    }
  };
  const any = <T>(value: unknown) => value as T;
  const tokens = async (prompt: unknown, options: unknown) =>
    (await model.generate(any(prompt), any(options)).result()).tokens.length;
  const count = async (rows: Promise<{ readonly length: number }>) => (await rows).length;

  for (const [name, value] of Object.entries(noText)) {
    await note(`generate ${name}`, () => model.generate(any(value)));
    await note(`logits ${name}`, () => model.logits(any(value)));
    await note(`encode ${name}`, () => model.tokenizer!.encode(any(value)));
    await note(`encodePrompt ${name}`, () => model.tokenizer!.encodePrompt(any(value)));
    await note(`decode ${name}`, () => model.tokenizer!.decode(any(value)));
  }
  for (const [name, value] of Object.entries(noIds)) {
    await note(`generate no id: ${name}`, () => model.generate(any(value)));
    await note(`logits no id: ${name}`, () => model.logits(any(value)));
    await note(`logitsAll no id: ${name}`, () => model.logitsAll(any(value)));
    await note(`decode no id: ${name}`, () => model.tokenizer!.decode(any(value)));
  }
  for (const [name, value] of Object.entries(rightIds)) {
    await note(`generate ids: ${name}`, () => tokens(value, { maxTokens: 1 }));
    await note(`logitsAll ids: ${name}`, () => count(model.logitsAll(any(value))));
    await note(`decode ids: ${name}`, async () => typeof (await model.tokenizer!.decode(any(value))));
  }
  for (const [name, value] of Object.entries(options))
    await note(`options ${name}`, () => model.generate([1], any(value)));
  for (const [name, value] of Object.entries(rightOptions))
    await note(`right options ${name}`, () => tokens([1], value));
  await note('too many ids', () => model.generate(new Array(1e9)));
  await note('no ids', () => model.generate([]));
  await note('logits of text', () => model.logits(any('hello')));
  await note('a long text', () => tokens('hello world '.repeat(20_000), {}));
  await note('lone surrogates', async () => {
    const [lone, replaced] = [
      await model.tokenizer!.encode('a\ud800b\udc00'),
      await model.tokenizer!.encode('a\ufffdb\ufffd'),
    ];
    return JSON.stringify(lone) === JSON.stringify(replaced) && JSON.stringify(lone) !== '[]';
  });
  await note('a list changed after the call', async () => {
    const prompt = [1, 2];
    const stop = ['zzz'];
    const settings = { maxTokens: 3, stop, eos: [] as number[] };
    const generation = model.generate(prompt, settings);
    prompt.push(3);
    stop.push('');
    settings.maxTokens = 1;
    settings.eos.push(...Array.from({ length: model.manifest.vocab }, (_, id) => id));
    const { tokens } = await generation.result();
    return [generation.promptTokens.length, tokens.length];
  });
  await note('a bias changed after the call', async () => {
    const logitBias = { 2: 1000 };
    const generation = model.generate([1], { maxTokens: 2, eos: [], logitBias });
    logitBias[2] = -1000;
    return [...(await generation.result()).tokens];
  });
  await note('logprobs', async () => {
    const logits = await model.logits([1]);
    const sum = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    let [piece, wrong] = [null as Piece | null, 0];
    for await (piece of model.generate([1], { maxTokens: 1, eos: [], logprobs: 3, temperature: 9, topK: 2 }))
      for (const { token, logprob } of [...piece.top!, { token: piece.token, logprob: piece.logprob! }])
        wrong = Math.max(wrong, Math.abs(logprob - logits[token]! + Math.log(sum)));
    return [piece?.top?.length, wrong < 1e-5];
  });
  await note('afterwards', () => tokens([1], { maxTokens: 2, eos: [] }));
  return said;
}

/**
 * The expected results of `strangeCalls`, by the beginning of the name; the longest matching
 * beginning counts.
 */
export const expectedAnswers: Readonly<Record<string, unknown>> = {
  generate: 'throws L408 in short',
  'generate no id: ': 'throws L402 in short',
  'generate ids: ': 1,
  logits: 'rejects: L408 in short',
  'logits no id: ': 'rejects: L402 in short',
  'logitsAll no id: ': 'rejects: L402 in short',
  'logitsAll ids: ': 2,
  encode: 'rejects: L408 in short',
  decode: 'rejects: L408 in short',
  'decode no id: ': 'rejects: L402 in short',
  'decode ids: ': 'string',
  options: 'throws L408 in short',
  'options bias far out': 'throws L402 in short',
  'options unknown name': 'throws L409 in short',
  'right options ': 2,
  'too many ids': 'throws L403 in short',
  'no ids': 'throws L401 in short',
  'a long text': 'rejects: L403 in short',
  'lone surrogates': true,
  'a list changed after the call': [2, 3],
  'a bias changed after the call': [2, 2],
  logprobs: [3, true],
  afterwards: 2,
};

/** The answers that differ from the expected ones. */
export function unexpected(said: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const beginnings = Object.keys(expectedAnswers).sort((a, b) => b.length - a.length);
  const wrong = Object.entries(said).filter(([name, answer]) => {
    const expected = expectedAnswers[beginnings.find((beginning) => name.startsWith(beginning))!];
    return JSON.stringify(answer) !== JSON.stringify(expected);
  });
  return Object.fromEntries(wrong);
}
