/** Whole generations with a format, on a package whose tokens are the letters from a to o. */
import { describe, expect, test } from 'vitest';
import type { GenerateOptions, ResponseFormat } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { packTokenizer } from '../src/text/tokenizer/pack.ts';
import { CONTEXT, fromMap, letterTokenizer, toyFiles, toyTextFiles } from './toy-package.ts';

const model = await load(fromMap(await toyTextFiles()));
const regex = (pattern: string): ResponseFormat => ({ type: 'regex', pattern });
const answer = (pattern: string, options: GenerateOptions = {}, from = model) =>
  from.generate([1, 2], { responseFormat: regex(pattern), ...options }).result();

describe('an answer', () => {
  const ways: GenerateOptions[] = [
    {},
    { temperature: 5, seed: 1 },
    { temperature: 2, topK: 1, seed: 2 },
    { topP: 0.3, seed: 3 },
    { typicalP: 0.5, minP: 0.01, temperature: 5, seed: 4 },
    { repetitionPenalty: 3, temperature: 1, seed: 5 },
    { logitBias: { 15: 100, 1: -100 } },
    { logprobs: 2 },
    { eos: [] },
    { maxTokens: 8, temperature: 5, seed: 6 },
  ];
  test.each(ways)('matches, and ends where it is complete: %j', async (options) => {
    for (const pattern of ['(?:ab|c[d-f]){2}n', '[a-e]{5}', 'k(?:l|m)?', 'o+', 'abcde'])
      for (let seed = 0; seed < 5; seed++) {
        const { text, finishReason, tokens } = await answer(pattern, { ...options, ...(options.seed && { seed }) });
        expect(text).toMatch(new RegExp(`^(?:${pattern})$`));
        if (pattern === 'abcde') expect(tokens).toEqual([0, 1, 2, 3, 4, ...(options.eos ? [] : [15])]);
        if (pattern !== 'o+') expect(finishReason).toBe(options.eos ? 'stop' : 'eos');
      }
  });

  test('the tokens among the allowed ones are those of the largest logits', async () => {
    const sequence = [1, 2];
    for (const token of (await answer('[c-h]{6}')).tokens.slice(0, -1)) {
      const logits = [...(await model.logits(sequence))].map((logit, id) => (id >= 2 && id <= 7 ? logit : -Infinity));
      expect(token).toBe(logits.indexOf(Math.max(...logits)));
      sequence.push(token);
    }
    expect(sequence.length).toBe(8);
  });

  test('without a format, or with one of type text, the tokens and the logits are the same as ever', async () => {
    const plain = await model.generate([1, 2], { maxTokens: 9 }).result();
    const text = await model.generate([1, 2], { maxTokens: 9, responseFormat: { type: 'text' } }).result();
    expect(text.tokens).toEqual(plain.tokens);
    const before = [...(await model.logits([1, 2]))];
    await answer('[a-e]{5}');
    expect([...(await model.logits([1, 2]))]).toEqual(before);
  });

  test('takes its shortest way to the end if the tokens become few, and says so', async () => {
    for (const [maxTokens, reason] of [
      [4, 'length'],
      [undefined, 'context'],
    ] as const) {
      const { text, tokens, finishReason } = await answer('(?:abc)*d', { maxTokens, logitBias: { 3: -100 } });
      expect(text).toMatch(/^(?:abc)*d$/);
      expect(tokens.length).toBeLessThanOrEqual(maxTokens ?? CONTEXT);
      expect(finishReason).toBe(reason);
    }
    expect(await answer('abcdef', { maxTokens: 4 })).toMatchObject({ text: 'abcd', finishReason: 'length' });
  });

  test('forced text is computed like a prompt, several tokens at once', async () => {
    const forced = await answer('abcdefg[hi]');
    expect(forced.text.slice(0, 7)).toBe('abcdefg');
    const logits = await model.logits([1, 2, 0, 1, 2, 3, 4, 5, 6]);
    expect(forced.tokens[7]).toBe(logits[7]! > logits[8]! ? 7 : 8);
  });

  test('continues a prefix', async () => {
    const { text, tokens } = await answer('abc[de]f', { prefix: 'ab' });
    expect(text).toMatch(/^abc[de]f$/);
    expect(tokens.length).toBe(4);
    await expect(answer('abc[de]f', { prefix: 'b' })).rejects.toThrow(/^L460 .*at prefix, no answer begins with "b"/);
  });

  test('another call between two pieces changes nothing', async () => {
    const expected = await answer('abcdef[g-k]{4}');
    const generation = model.generate([1, 2], { responseFormat: regex('abcdef[g-k]{4}') });
    for await (const _ of generation) {
      await new Promise((resolve) => setTimeout(resolve, 120));
      await model.logits([7, 8, 9]);
    }
    expect(generation.tokens).toEqual(expected.tokens);
  });
});

describe('refused', () => {
  const refusal = async (format: unknown, from = model) => {
    try {
      await from.generate([1], { responseFormat: format as ResponseFormat, maxTokens: 3 }).result();
    } catch (error) {
      return (error as Error).message;
    }
    return null;
  };
  test.each<[string, unknown, RegExp]>([
    ['no format', 'json', /^L408 responseFormat must be \{ type: "json_schema", schema \}/],
    ['a type that does not exist', { type: 'xml' }, /^L408 /],
    ['a schema that is no object', { type: 'json_schema', schema: 5 }, /^L408 /],
    ['a wrong expression', regex('('), /^L460 .*\( is not supported/],
    ['a look-ahead', regex('a(?=b)'), /^L460 .*look-around/],
    ['a back-reference', regex('(a)\\1'), /^L460 .*back-reference/],
    ['an anchor inside', regex('a(?:^b)'), /^L460 .*anchor/],
    ['what the tokenizer cannot write', regex('xyz'), /^L460 .*no text that this tokenizer can write/],
    ['JSON that the tokenizer cannot write', { type: 'json' }, /^L460 .*no text that this tokenizer can write/],
  ])('%s', async (_, format, message) => {
    expect(await refusal(format)).toMatch(message);
  });

  const schemas: [unknown, RegExp][] = [
    [{ not: {} }, /at the schema, the keyword not is not supported/],
    [{ type: 'object', properties: { a: { if: {} } } }, /at \/properties\/a, the keyword if is not supported/],
    [{ type: 'array', uniqueItems: true }, /the keyword uniqueItems is not supported/],
    [{ typo: 1 }, /the keyword typo is not supported/],
    [{ type: 'text' }, /at \/type, it is not one of null, boolean/],
    [{ minLength: -1 }, /at \/minLength, it is not a whole number of at least 0/],
    [{ required: 'a' }, /at \/required, it is not a list of names/],
    [{ pattern: '(' }, /the pattern \( is not supported/],
    [{ pattern: '^(?=a)b|c' }, /look-ahead in one of several alternatives/],
    [{ format: 'ipv6' }, /the format ipv6 is not supported.*uuid/],
    [{ enum: ['ab'], minLength: 5 }, /minLength beside enum/],
    [{ type: 'number', multipleOf: 0.01 }, /multipleOf 0.01 is not supported/],
    [{ type: 'object', minProperties: 1 }, /minProperties 1 is not supported/],
    [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, /at \/oneOf, a value may satisfy two of its parts/],
    [{ $ref: '#' }, /it refers to itself/],
    [{ $ref: '#/$defs/none' }, /points to nothing/],
    [{ $ref: 'https://example.com/schema' }, /does not point into the schema/],
    [{ $ref: '#/%zz' }, /does not point into the schema/],
    [{ $ref: '#/%C3%28' }, /its \$ref "#\/%C3%28" does not point into the schema/],
    [{ anyOf: [{}, 1] }, /at \/anyOf, it is not a list of schemas/],
    [{ type: 'array', contains: {} }, /the keyword contains is not supported/],
    [
      { properties: { a: {} }, patternProperties: { '(': {} } },
      /at \/patternProperties, it is not an object of schemas/,
    ],
    [{ anyOf: [] }, /at \/anyOf, it is not a list of schemas/],
    [{ allOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }, /two schemas with a different multipleOf/],
    [{ type: 'string', maxLength: 1e9 }, /its grammar is too large/],
    [{ type: 'object', required: ['a'], additionalProperties: false }, /no text that this tokenizer can write/],
    [false, /no text that this tokenizer can write/],
  ];
  test.each(schemas)('the schema %j', async (schema, message) => {
    const said = await refusal({ type: 'json_schema', schema });
    expect(said).toMatch(/^L460 the answer cannot be constrained: at .*\. Try /);
    expect(said).toMatch(message);
  });

  test('a package without a tokenizer, and a tokenizer whose tokens have no bytes of their own', async () => {
    const bare = await load(fromMap(await toyFiles()));
    expect(await refusal({ type: 'json' }, bare)).toMatch(/^L408 responseFormat must be left out/);
    const spaced = packTokenizer({ ...letterTokenizer, decoder: { type: 'WordPiece', prefix: '##' } });
    const words = await load(fromMap(await toyTextFiles({}, spaced)));
    expect(await refusal(regex('a'), words)).toMatch(/^L460 .*depend on the tokens around/);
  });

  test('computes nothing and leaves the model free', async () => {
    expect(await refusal(regex('('))).toMatch(/^L460/);
    expect((await answer('ab')).text).toBe('ab');
  });
});
