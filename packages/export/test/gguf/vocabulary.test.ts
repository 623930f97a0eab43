import { describe, expect, test } from 'vitest';
import type { Metadata } from '../../src/gguf/container.ts';
import { type TokenizerJson, vocabularyOf } from '../../src/gguf/vocabulary.ts';

const value = (metadata: Metadata, key: string) => metadata[`tokenizer.ggml.${key}`]?.value;
const at = (metadata: Metadata, key: string, id: number) => (value(metadata, key) as readonly unknown[])[id];
const tokenizer = (json: object, change: Partial<TokenizerJson> = {}): TokenizerJson => ({
  file: 'tokenizer.json',
  json: JSON.stringify(json),
  config: '{}',
  before: [1],
  after: [],
  eos: [2, 5],
  promptPrefix: '',
  promptSuffix: '',
  ...change,
});

const sentencePiece = {
  added_tokens: [
    { id: 0, content: '<unk>', special: true },
    { id: 1, content: '<s>', special: true },
    { id: 2, content: '</s>', special: true },
    { id: 7, content: '<tool>', special: false },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: false },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    byte_fallback: true,
    vocab: { '<unk>': 0, '<s>': 1, '</s>': 2, '<0x0A>': 3, a: 4, ab: 5, b: 6 },
    merges: [['a', 'b']],
  },
};
const step = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
const byteLevel = {
  added_tokens: [],
  pre_tokenizer: step,
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] },
};

test("without a tokenizer it is made up, with the model's size", () => {
  const { metadata, madeUp } = vocabularyOf(null, 300);
  expect(madeUp).toBe('there is no tokenizer');
  expect(value(metadata, 'tokens')).toHaveLength(300);
  expect([0, 1, 2, 3, 258, 259, 299].map((id) => at(metadata, 'tokens', id))).toEqual([
    '<unk>',
    '<s>',
    '</s>',
    '<0x00>',
    '<0xFF>',
    '\u2581t259',
    '\u2581t299',
  ]);
  expect([0, 1, 3, 258, 259].map((id) => at(metadata, 'token_type', id))).toEqual([2, 3, 6, 6, 1]);
  expect(value(metadata, 'add_bos_token')).toBe(false);
});

test('SentencePiece: kinds, scores in the order of the merges, missing ids', () => {
  const { metadata, madeUp } = vocabularyOf(tokenizer(sentencePiece), 9);
  expect(madeUp).toBeNull();
  expect(value(metadata, 'model')).toBe('llama');
  expect(value(metadata, 'add_space_prefix')).toBe(true);
  expect(value(metadata, 'tokens')).toEqual(['<unk>', '<s>', '</s>', '<0x0A>', 'a', 'ab', 'b', '<tool>', '[PAD8]']);
  expect(value(metadata, 'token_type')).toEqual([2, 3, 3, 6, 1, 1, 1, 4, 5]);
  expect(at(metadata, 'scores', 5)).toBeGreaterThan(at(metadata, 'scores', 4) as number);
  expect([value(metadata, 'bos_token_id'), value(metadata, 'eos_token_id'), value(metadata, 'eot_token_id')]).toEqual([
    1, 2, 5,
  ]);
  expect(value(metadata, 'add_bos_token')).toBe(true);
});

test('SentencePiece, as we convert it: its own scores, and user-defined symbols', () => {
  const vocab = { '<unk>': 0, '<s>': 1, '</s>': 2, '<0x0A>': 3, a: 4, ab: 5, b: 6, '<sep>': 7 };
  const model = {
    type: 'SentencePieceBPE',
    unk_token: '<unk>',
    vocab,
    scores: { a: -5, b: -6, ab: -2 },
    symbols: ['<sep>'],
  };
  const added_tokens = sentencePiece.added_tokens.slice(0, 3);
  const { metadata, madeUp } = vocabularyOf(tokenizer({ ...sentencePiece, added_tokens, model }), 8);
  expect(madeUp).toBeNull();
  expect(value(metadata, 'token_type')).toEqual([2, 3, 3, 6, 1, 1, 1, 4]);
  expect([4, 5, 6].map((id) => at(metadata, 'scores', id))).toEqual([-5, -2, -6]);
});

test('byte-level: merges are unchanged', () => {
  const { metadata, madeUp } = vocabularyOf(tokenizer(byteLevel, { before: [] }), 3);
  expect(madeUp).toBeNull();
  expect(value(metadata, 'model')).toBe('gpt2');
  expect(value(metadata, 'pre')).toBe('gpt-2');
  expect(value(metadata, 'merges')).toEqual(['a b']);
  expect(value(metadata, 'add_bos_token')).toBe(false);
});

describe('byte-level: the name of the pattern that the pre-tokenizer equals', () => {
  const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
  const sequence = (...pretokenizers: readonly object[]) => ({ type: 'Sequence', pretokenizers });
  const bytes = { ...step, use_regex: false };
  const nfc = { type: 'NFC' };
  // as in the tokenizer.json of each
  const gpt4 = (digits: string) =>
    split(
      `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    );
  const three = gpt4('\\p{N}{1,3}');
  const one = gpt4('\\p{N}');
  const deepseek = split(
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
  );
  test.each<[string, string, object, { normalizer?: object; ignores?: boolean }]>([
    ['GPT-2', 'gpt-2', step, {}],
    ['OLMo', 'olmo', step, { normalizer: nfc }],
    ['SmolLM', 'smollm', sequence({ type: 'Digits', individual_digits: true }, step), {}],
    ['Llama 3', 'llama-bpe', sequence(three, bytes), { ignores: true }],
    ['OLMo 2', 'dbrx', sequence(three, bytes), {}],
    ['Qwen', 'qwen2', sequence(one, bytes), { normalizer: nfc }],
    ['StableLM 2', 'stablelm2', sequence(one, bytes), {}],
    ['DeepSeek V3', 'deepseek-v3', sequence(split('\\p{N}{1,3}'), split('[一-龥぀-ゟ゠-ヿ]+'), deepseek, bytes), {}],
  ])('%s', (_, name, pre_tokenizer, { normalizer, ignores = false }) => {
    const model = { ...byteLevel.model, ignore_merges: ignores };
    const { metadata, madeUp } = vocabularyOf(tokenizer({ ...byteLevel, pre_tokenizer, normalizer, model }), 3);
    expect(madeUp).toBeNull();
    expect(value(metadata, 'pre')).toBe(name);
  });
});

test("Gemma's cut at spaces, of which there are none left, changes nothing", () => {
  const gemma = {
    ...sentencePiece,
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
  };
  const { metadata, madeUp } = vocabularyOf(tokenizer(gemma), 9);
  expect(madeUp).toBeNull();
  expect([value(metadata, 'model'), value(metadata, 'add_space_prefix')]).toEqual(['llama', false]);
});

test('a chat template is included', () => {
  const { metadata } = vocabularyOf(tokenizer(byteLevel, { config: '{"chat_template":"{{ x }}"}' }), 3);
  expect(metadata['tokenizer.chat_template']).toEqual({ type: 'string', value: '{{ x }}' });
});

test('named chat templates are included, and the one named default has no name', () => {
  const chat_template = [
    { name: 'default', template: '{{ x }}' },
    { name: 'tool_use', template: '{{ y }}' },
  ];
  const { metadata } = vocabularyOf(tokenizer(byteLevel, { config: JSON.stringify({ chat_template }) }), 3);
  expect(metadata['tokenizer.chat_template']?.value).toBe('{{ x }}');
  expect(metadata['tokenizer.chat_template.tool_use']?.value).toBe('{{ y }}');
});

describe('around a prompt', () => {
  const about = (change: Partial<TokenizerJson>) => {
    const { metadata, notes } = vocabularyOf(tokenizer(sentencePiece, change), 9);
    const keys = ['bos', 'eos', 'eot', 'eom'].map((role) => value(metadata, `${role}_token_id`));
    return { keys, adds: [value(metadata, 'add_bos_token'), value(metadata, 'add_eos_token')], notes };
  };

  test('three end tokens; a fourth is not in the file', () => {
    expect(about({ eos: [2, 5, 6] })).toEqual({ keys: [1, 2, 5, 6], adds: [true, false], notes: [] });
    expect(about({ eos: [2, 5, 6, 7, 8] })).toEqual({
      keys: [1, 2, 5, 6],
      adds: [true, false],
      notes: [
        'tokens 7, 8 are not in the file as the end of an answer, because GGUF has 3 (2, 5, 6): stop there in the program that reads the file',
      ],
    });
  });

  test('tokens before and after it', () => {
    expect(about({ before: [1, 6], after: [4, 6] })).toEqual({
      keys: [1, 2, 5, undefined],
      adds: [true, false],
      notes: [
        'token 6 is not added before a prompt, because GGUF adds one token there: add it to each prompt',
        'tokens 4, 6 are not added after a prompt, because GGUF only adds the end token there: add them to each prompt',
      ],
    });
    // The end token that is added is the first one in the file.
    expect(about({ after: [5] })).toEqual({ keys: [1, 5, 2, undefined], adds: [true, true], notes: [] });
  });

  test('tokens that templates write, added to a prompt or not', () => {
    const config = JSON.stringify({ bos_token: { content: '<s>' }, eos_token: 'ab' });
    expect(about({ before: [], config })).toEqual({ keys: [1, 5, 2, undefined], adds: [false, false], notes: [] });
    expect(about({ before: [6], config }).notes).toEqual([
      'bos_token in a chat template is token 6 in the file, because GGUF has one token for templates and prompts: it was 1',
    ]);
  });

  test("the model's own texts", () => {
    expect(about({ promptPrefix: '<q> ', promptSuffix: '<sep>' }).notes).toEqual([
      'prompt_prefix "<q> " is not in the file, because GGUF has no such text: add it to each prompt',
      'prompt_suffix "<sep>" is not in the file, because GGUF has no such text: add it to each prompt',
    ]);
  });
});

test('flags of added tokens that are searched in text', () => {
  const flagged = (change: object) => ({ id: 7, content: '<tool>', special: false, normalized: false, ...change });
  const notes = (change: object, more: object = {}) =>
    vocabularyOf(tokenizer({ ...sentencePiece, ...more, added_tokens: [flagged(change)] }), 9).notes;
  expect(notes({})).toEqual([]);
  expect(notes({ single_word: true, lstrip: true, rstrip: true })).toEqual([
    'single_word of "<tool>" is not in the file, because GGUF has no such flag: such a token is also found inside words',
    'lstrip of "<tool>" is not in the file, because GGUF has no such flag: the white space before such a token stays text',
    'rstrip of "<tool>" is not in the file, because GGUF has no such flag: the white space after such a token stays text',
  ]);
  // A special token is not searched in text.
  expect(notes({ single_word: true, special: true })).toEqual([]);
  // Without a normalizer nothing changes.
  expect(notes({ normalized: true })).toEqual([]);
  const normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
  expect(notes({ normalized: true }, { normalizer, pre_tokenizer: null })).toEqual([
    'normalized of "<tool>" is not in the file, because GGUF has no such flag: such a token is found in the text before it is normalized',
  ]);
  const many = [3, 4, 5, 6, 7].map((id) => flagged({ id, content: `<${id}>`, single_word: true }));
  expect(vocabularyOf(tokenizer({ ...sentencePiece, added_tokens: many }), 9).notes).toEqual([
    'single_word of "<3>", "<4>", "<5>" and 2 more is not in the file, because GGUF has no such flag: such a token is also found inside words',
  ]);
});

describe('a tokenizer without a form in llama.cpp is made up, with the reason', () => {
  test.each([
    ['another model', { ...byteLevel, model: { type: 'Unigram' } }, 'its model is Unigram, not BPE'],
    [
      'a pattern',
      { ...byteLevel, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split' }, step] } },
      'llama.cpp does not have its pre-tokenizer',
    ],
    [
      'a space before',
      { ...byteLevel, pre_tokenizer: { ...step, add_prefix_space: true } },
      'it puts a space before the text',
    ],
    [
      'a suffix',
      { ...byteLevel, model: { ...byteLevel.model, end_of_word_suffix: '</w>' } },
      'its parts of words are marked (end_of_word_suffix)',
    ],
    ['a normalizer', { ...byteLevel, normalizer: { type: 'NFKC' } }, 'its normalizer is not NFC'],
    [
      'no splitting',
      { ...byteLevel, pre_tokenizer: { ...step, use_regex: false } },
      'llama.cpp has no name for the pattern of its pre-tokenizer',
    ],
    ['a charsmap', { ...sentencePiece, normalizer: { type: 'Precompiled' } }, "its normalizer is not LLaMA's"],
  ])('%s', (_, json, reason) => {
    const { metadata, madeUp } = vocabularyOf(tokenizer(json), 300);
    expect(madeUp).toBe(reason);
    expect(at(metadata, 'tokens', 299)).toBe('\u2581t299');
  });
});

test('a special token past the vocabulary of the model is left out: no prompt can contain it', () => {
  const image = { id: 8, content: '<image>', special: true };
  const json = { ...sentencePiece, added_tokens: [...sentencePiece.added_tokens, image] };
  const { metadata, madeUp } = vocabularyOf(tokenizer(json), 8);
  expect(madeUp).toBeNull();
  expect(value(metadata, 'tokens')).not.toContain('<image>');
});

test('a tokenizer that is broken or too large is an error', () => {
  expect(() => vocabularyOf({ ...tokenizer({}), json: '{' }, 9)).toThrow(
    /^L207 tokenizer.json is not a usable tokenizer: not JSON/,
  );
  expect(() => vocabularyOf(tokenizer(sentencePiece), 7)).toThrow(
    "L207 tokenizer.json is not a usable tokenizer: token 7 is outside the model's vocabulary of 7. Try the model's own tokenizer",
  );
});
