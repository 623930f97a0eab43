import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTokenizer } from '../src/model/tokenizer-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-tokenizer-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (file: string, content: unknown) =>
  writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));

const bare = {
  model: { type: 'BPE', vocab: { a: 0, '</s>': 1, '<s>': 2 }, merges: [] },
  added_tokens: [
    { id: 1, content: '</s>', special: true },
    { id: 2, content: '<s>', special: true },
    { id: 3, content: '<sep>', special: true },
  ],
};
const text = { Sequence: { id: 'A', type_id: 0 } };
const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const special_tokens = {
  '<s>': { id: '<s>', ids: [2], tokens: ['<s>'] },
  '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] },
};
const template = (...single: object[]) => ({ type: 'TemplateProcessing', single, pair: [], special_tokens });
const begins = template(special('<s>'), text);
/** The same in Llama 3's form. */
const sequence = { type: 'Sequence', processors: [{ type: 'ByteLevel', trim_offsets: false }, begins] };

const found = async (vocab = 6) => (await findTokenizer(folder, vocab))?.files;

test('beside a folder and beside a file, and none for a seed', async () => {
  expect(await findTokenizer(folder, 6)).toBeNull();
  await put('tokenizer.json', bare);
  const files = {
    file: 'tokenizer.bin',
    config: 'tokenizer_config.json',
    before: [],
    after: [],
    eos: [],
    promptPrefix: '',
    promptSuffix: '',
  };
  expect(await found()).toEqual(files);
  expect((await findTokenizer(join(folder, 'model.safetensors'), 6))?.files).toEqual(files);
  expect(await findTokenizer('random:1', 6)).toBeNull();
});

test('a request format of the model’s own', async () => {
  await put('tokenizer.json', bare);
  await put('tokenizer_config.json', {
    bos_token: '<s>',
    eos_token: { content: '</s>' },
    add_bos_token: true,
    lamella: { prompt_prefix: 'Q: ', prompt_suffix: '<sep>' },
  });
  expect(await found()).toMatchObject({ before: [2], eos: [1], promptPrefix: 'Q: ', promptSuffix: '<sep>' });
});

test.each<[string, object, object | null, number[], number[]]>([
  ['nothing adds any', {}, null, [], []],
  ['the config adds BOS', { add_bos_token: true }, null, [2], []],
  ['the config adds both', { add_bos_token: true, add_eos_token: true }, null, [2], [1]],
  ['the config forbids BOS, and no file names one', { bos_token: '', add_bos_token: false }, null, [], []],
  ['the config keeps the template’s, and no file names it', { bos_token: '', add_bos_token: true }, begins, [2], []],
  ['the template adds BOS', {}, begins, [2], []],
  ['the template adds BOS, and the config names nothing', { bos_token: '', eos_token: '' }, begins, [2], []],
  ['the template is one of several steps', {}, sequence, [2], []],
  ['the template and the config add BOS', { add_bos_token: true }, sequence, [2], []],
  ['the template adds BOS, and the config forbids it', { add_bos_token: false }, sequence, [], []],
  ['the template adds one at the end', {}, template(special('<s>'), text, special('</s>')), [2], [1]],
  ['the template adds two', {}, template(special('<s>'), special('</s>'), text), [2, 1], []],
  ['RoBERTa adds both', {}, { type: 'RobertaProcessing', cls: ['<s>', 2], sep: ['</s>', 1] }, [2], [1]],
])('tokens around a prompt when %s', async (_, config, post_processor, before, after) => {
  await put('tokenizer.json', { ...bare, post_processor });
  await put('tokenizer_config.json', { bos_token: '<s>', eos_token: '</s>', ...config });
  expect(await found()).toMatchObject({ before, after });
});

test.each<[string, Record<string, object>, number[], number[]]>([
  [
    'special_tokens_map.json',
    { 'special_tokens_map.json': { bos_token: '<s>', eos_token: { content: '</s>' } } },
    [2],
    [1],
  ],
  ['config.json', { 'config.json': { bos_token_id: 2, eos_token_id: 1 } }, [2], [1]],
  [
    'generation_config.json before config.json',
    {
      'generation_config.json': { bos_token_id: 0, eos_token_id: [3, 1] },
      'config.json': { bos_token_id: 2, eos_token_id: 0 },
    },
    [0],
    [3, 1],
  ],
  [
    'an empty entry',
    { 'generation_config.json': { eos_token_id: null }, 'config.json': { bos_token_id: 2, eos_token_id: 1 } },
    [2],
    [1],
  ],
])('the BOS and end tokens come from %s', async (_, files, before, eos) => {
  await put('tokenizer.json', bare);
  await put('tokenizer_config.json', { add_bos_token: true, bos_token: '', eos_token: '' });
  for (const [file, content] of Object.entries(files)) await put(file, content);
  expect(await found()).toMatchObject({ before, eos });
});

test('without a tokenizer_config.json, too', async () => {
  await put('tokenizer.json', { ...bare, post_processor: sequence });
  await put('config.json', { eos_token_id: [1, 3] });
  expect(await found()).toMatchObject({ before: [2], eos: [1, 3] });
});

test.each([
  [3, [3, 1]],
  [
    [3, 1],
    [3, 1],
  ],
])('ends of generation_config.json (%j) come with the tokenizer’s own', async (eos_token_id, eos) => {
  await put('tokenizer.json', bare);
  await put('tokenizer_config.json', { eos_token: '</s>' });
  await put('generation_config.json', { eos_token_id });
  expect((await found())?.eos).toEqual(eos);
});

const config = (content: object) => ({ 'tokenizer_config.json': content });
const decoder = (added_tokens_decoder: object) => config({ added_tokens_decoder });

test.each<[string, Record<string, unknown>, number, RegExp]>([
  [
    'a token that the tokenizer does not have',
    { 'tokenizer_config.json': { eos_token: '<end>' } },
    6,
    /tokenizer_config\.json names <end>/,
  ],
  [
    'an added token that the tokenizer does not have',
    {
      'tokenizer_config.json': {
        added_tokens_decoder: { 3: { content: '<sep>', special: true }, 4: { content: '<tool>' } },
      },
    },
    6,
    /tokenizer_config\.json adds <tool>, which the tokenizer does not have/,
  ],
  [
    'an end token outside the vocabulary',
    { 'config.json': { eos_token_id: 9 } },
    6,
    /the eos_token_id of config\.json has the id 9.*has 6 tokens/,
  ],
  [
    'an end token that is not an id',
    { 'config.json': { eos_token_id: '1' } },
    6,
    /the eos_token_id of config\.json is "1"/,
  ],
  [
    'a BOS token outside the vocabulary',
    { 'tokenizer.json': { ...bare, post_processor: begins } },
    2,
    /a token that the tokenizer adds has the id 2/,
  ],
  ['a text outside the vocabulary', {}, 0, /the token "a" has the id 0, and the model's vocabulary has 0 tokens/],
  [
    'a request format outside the vocabulary',
    { 'tokenizer_config.json': { lamella: { prompt_suffix: '<sep>' } } },
    3,
    /the prompt's own format has the id 3/,
  ],
  [
    'an unsupported part',
    { 'tokenizer.json': { ...bare, normalizer: { type: 'Nmt' } } },
    6,
    /normalizer: type "Nmt" is none of .*NFC/,
  ],
  [
    'a BOS token that no file names',
    config({ add_bos_token: true }),
    6,
    /add_bos_token .* is true, and no file names a bos_/,
  ],
  [
    'an EOS token that no file names',
    config({ add_eos_token: true }),
    6,
    /add_eos_token .* is true, and no file names a eos_/,
  ],
  [
    'no BOS, although the tokenizer adds a token that no file names',
    { ...config({ add_bos_token: false }), 'tokenizer.json': { ...bare, post_processor: begins } },
    6,
    /add_bos_token of tokenizer_config\.json is false, and no file names a bos_token/,
  ],
  [
    'a text for a flag',
    config({ add_bos_token: 'true' }),
    6,
    /add_bos_token of tokenizer_config\.json is "true".* true or false/,
  ],
  ['a list for a token', config({ eos_token: ['</s>'] }), 6, /the eos_token of tokenizer_config\.json is \["<\/s>"\]/],
  [
    'a number for a token',
    { 'special_tokens_map.json': { bos_token: 2 }, ...config({ add_bos_token: true }) },
    6,
    /the bos_token of special_tokens_map\.json is 2/,
  ],
  ['a number for a format', config({ lamella: { prompt_suffix: 5 } }), 6, /lamella\.prompt_suffix of .* is 5/],
  ['a list for the formats', config({ lamella: [] }), 6, /lamella of tokenizer_config\.json is \[\]/],
  [
    'a list for the special tokens',
    { 'special_tokens_map.json': [1, 2] },
    6,
    /special_tokens_map\.json.*not a JSON object/,
  ],
  ['a text for the configuration', { 'tokenizer_config.json': '"x"' }, 6, /tokenizer_config\.json.*not a JSON object/],
  ['a number for the configuration', { 'tokenizer_config.json': 5 }, 6, /tokenizer_config\.json.*not a JSON object/],
  [
    'an added token that is only vocabulary',
    decoder({ 0: { content: 'a' } }),
    6,
    /adds a, which is not an added token of the tokenizer/,
  ],
  ['an added token with another id', decoder({ 5: { content: 'a' } }), 6, /gives a the id 5, but its id is 0/],
  ['a special token with another id', decoder({ 5: { content: '</s>', special: true } }), 6, /gives <\/s> the id 5/],
  ['an added token without a text', decoder({ 5: { special: true } }), 6, /has no text for the added token 5/],
  ['a token that is special in one file', decoder({ 1: { content: '</s>' } }), 6, /has a different special for <\/s>/],
  [
    'an added token with another flag',
    {
      'tokenizer.json': { ...bare, added_tokens: [{ id: 0, content: 'a', normalized: true }] },
      ...decoder({ 0: { content: 'a', normalized: true, rstrip: true } }),
    },
    6,
    /has a different rstrip for a/,
  ],
  ...[true, false].map((says): [string, Record<string, unknown>, number, RegExp] => [
    'a space before the text in one file only',
    {
      'tokenizer.json': { ...bare, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: !says } },
      ...config({ add_prefix_space: says }),
    },
    6,
    new RegExp(`has add_prefix_space ${says}, but the pre_tokenizer has ${!says}`),
  ]),
  ['a file that is not JSON', { 'tokenizer.json': '{"model":' }, 6, /not JSON/],
])('refused: %s', async (_, files, vocab, message) => {
  await put('tokenizer.json', bare);
  for (const [file, content] of Object.entries(files)) await put(file, content);
  await expect(findTokenizer(folder, vocab)).rejects.toThrow(/^L207 .*\.json.* Try /);
  await expect(findTokenizer(folder, vocab)).rejects.toThrow(message);
});

test('special tokens that no text or prompt can contain need not be in the model’s vocabulary', async () => {
  await put('tokenizer.json', bare);
  expect(await found(3)).toMatchObject({ before: [], eos: [] });
});

test('files that agree are accepted', async () => {
  await put('tokenizer.json', {
    ...bare,
    added_tokens: [...bare.added_tokens, { id: 4, content: '<tool>', normalized: false, rstrip: true }],
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
  });
  await put('tokenizer_config.json', {
    add_prefix_space: false,
    added_tokens_decoder: {
      1: { content: '</s>', special: true, lstrip: true },
      4: { content: '<tool>', normalized: false, rstrip: true },
      9: { content: '<never>', special: true },
    },
  });
  expect(await found()).toMatchObject({ before: [], eos: [] });
});
