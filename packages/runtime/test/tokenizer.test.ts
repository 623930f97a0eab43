import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Detokenizer } from '../src/text/detokenizer.ts';
import { StopStrings } from '../src/text/stop-strings.ts';
import { NotUnderstood } from '../src/text/tokenizer/part.ts';
import { tokenizerFrom } from './tokenizer-from.ts';

const assistant = new URL('../../../graphs/assistant/', import.meta.url);
const read = async (name: string) => JSON.parse(await readFile(new URL(name, assistant), 'utf8'));
const bytes = tokenizerFrom(await read('tokenizer.json'), {
  before: [256],
  after: [],
  promptPrefix: '',
  promptSuffix: '<sep>',
});

/**
 * SentencePiece as in Llama: a mark for spaces, byte tokens for characters outside the vocabulary,
 * one space removed at the start.
 */
const pieces = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, b) => `<0x${hex(b)}>`)];
pieces.push(...Array.from('▁helo,wrd'), 'he', 'll', 'hell', 'hello', '▁hello', 'or', '▁w', 'ld', '<s>hell', '<tool>');
const begin = { SpecialToken: { id: '<s>', type_id: 0 } };
const llama = tokenizerFrom(
  {
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spaces(' ', '▁')] },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [begin, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        spaces('▁', ' '),
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      byte_fallback: true,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: ['h e', 'l l', 'he ll', 'hell o', '▁ hello', 'o r', '▁ w', 'l d'],
    },
    added_tokens: [
      { id: 0, content: '<unk>', special: true },
      { id: 1, content: '<s>', special: true },
      { id: 2, content: '</s>', special: true },
      { id: pieces.length - 2, content: '<s>hell', special: true },
      { id: pieces.length - 1, content: '<tool>', special: false },
    ],
  },
  { before: [1], after: [], promptPrefix: '<s>hell<s> hell', promptSuffix: ', world</s>' },
);

function spaces(from: string, to: string) {
  return { type: 'Replace', pattern: { String: from }, content: to };
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

const id = (piece: string) => pieces.indexOf(piece);
const text = fc.string({ unit: 'binary', maxLength: 40 });

describe('bytes', () => {
  test('any text becomes its UTF-8 bytes, and is decoded back', () => {
    fc.assert(
      fc.property(text, (t) => {
        expect(bytes.encode(t)).toEqual([...new TextEncoder().encode(t)]);
        expect(bytes.decode(bytes.encode(t))).toBe(t);
      }),
    );
  });

  test.each(['👩‍🚀 é', 'a\r\nb\n\r', '\0', '  two before and after  ', '\ufeffmark', ' , . ?', "n't", '\ufffd', ''])(
    '%j',
    (t) => {
      expect(bytes.encode(t)).toEqual([...new TextEncoder().encode(t)]);
      expect(bytes.decode(bytes.encode(t))).toBe(t);
    },
  );

  test('special tokens written by a user are text', () => {
    const t = 'say <eos> and <sep>, <bos><pad>';
    expect(bytes.encode(t)).toEqual([...new TextEncoder().encode(t)]);
    expect(bytes.encodePrompt(t)).toEqual([256, ...new TextEncoder().encode(t), 258]);
  });

  test('special tokens and ids beyond the vocabulary have no text', () => {
    expect(bytes.decode([256, 72, 257, 105, 999, 258])).toBe('Hi');
    expect(bytes.decode([256])).toBe('');
    expect(bytes.decode([])).toBe('');
  });
});

describe('merges', () => {
  test('text becomes merged tokens, unknown characters become bytes, and both are decoded back', () => {
    expect(llama.encode('hello')).toEqual([id('▁hello')]);
    expect(llama.encode('hell é')).toEqual([id('▁'), id('hell'), id('▁'), id('<0xC3>'), id('<0xA9>')]);
    for (const t of ['hello, world', 'hell 😀 é', '  hello']) expect(llama.decode(llama.encode(t))).toBe(t);
  });

  test('a prompt is one text between its special tokens, which the user cannot write', () => {
    // Of `<s>` and `<s>hell`, both special, the prefix contains the longer; `hell` and the user's
    // `o` form one word.
    const around = [1, id('<s>hell'), 1, ...llama.encode(' hello, world'), 2];
    expect(llama.encodePrompt('o')).toEqual(around);
    expect(llama.encodePrompt('<s>').filter((token) => token === 1)).toHaveLength(2);
  });

  test('special tokens that are also in the vocabulary, and ids beyond it, have no text', () => {
    expect(llama.decode([1, id('▁hello'), 2, pieces.length + 5])).toBe('hello');
    expect(llama.decode([1])).toBe('');
  });

  test('an added token that is not special stays one token', () => {
    expect(llama.encode('<tool>')).toEqual([pieces.length - 1]);
    expect(llama.decode([pieces.length - 1])).toBe('<tool>');
  });
});

describe('an unsupported part is refused with its name and place', () => {
  const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] };
  const refusal = (parts: object): string => {
    try {
      tokenizerFrom({ model, ...parts });
      return 'not refused';
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return error.message;
    }
  };
  const nested = (depth: number): object =>
    depth === 0 ? { type: 'NFC' } : { type: 'Sequence', normalizers: [nested(depth - 1)] };
  const token = { id: 3, content: '<x>' };

  test.each<[object, string]>([
    [{ chat_template: '' }, 'tokenizer.json: the key "chat_template" is not understood'],
    [{ model: { ...model, type: 'Unigram' } }, 'model: type "Unigram" is none of BPE, SentencePieceBPE, WordLevel'],
    [{ model: { vocab: {} } }, 'model: type missing is none of'],
    [{ model: { ...model, alpha: 1 } }, 'model: the key "alpha" is not understood'],
    [{ model: { ...model, dropout: 0.1 } }, 'dropout omits merges at random'],
    [{ model: { ...model, unk_token: '?' } }, 'model: unk_token "?" is not in its vocabulary'],
    [{ model: { ...model, merges: ['a b c'] } }, 'model.merges[0]: "a b c" is not two tokens'],
    [{ model: { ...model, merges: [['a', 'a']] } }, 'model.merges[0]: "aa" is not in the vocabulary'],
    [{ model: { ...model, vocab: { a: -1 } } }, 'model.vocab: the id of "a" is not a whole number'],
    [{ model: { ...model, vocab: { a: 2 ** 40 } } }, 'model.vocab: the id of "a" is not a whole number below 4194304'],
    [{ model: { type: 'WordLevel', vocab: { a: 0 } } }, 'model: unk_token is missing'],
    [{ model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: '?' } }, 'unk_token "?" is not in its vocabulary'],
    [{ normalizer: { type: 'Precompiled' } }, 'normalizer: type "Precompiled" is none of'],
    [{ normalizer: { type: 'constructor' } }, 'normalizer: type "constructor" is none of'],
    [{ normalizer: nested(20) }, 'sequences are nested too deeply'],
    [{ normalizer: { type: 'Sequence', normalizers: [{ type: 'Nmt' }] } }, 'normalizer.normalizers[0]: type "Nmt"'],
    [{ pre_tokenizer: { type: 'UnicodeScripts' } }, 'pre_tokenizer: type "UnicodeScripts"'],
    [{ pre_tokenizer: { type: 'ByteLevel', use_regex: 1 } }, 'pre_tokenizer: use_regex is not true or false'],
    [{ decoder: { type: 'CTC' } }, 'decoder: type "CTC"'],
    [{ post_processor: { type: 'X' } }, 'post_processor: type "X"'],
    [{ post_processor: { type: 'TemplateProcessing', single: [begin] } }, '"<s>" has no ids there'],
    [{ post_processor: { type: 'TemplateProcessing', single: [] } }, 'single does not contain the text exactly once'],
    [
      { added_tokens: [{ ...token, content: 'x'.repeat(60 << 20) }] },
      'added_tokens[0]: its content is longer than 4096',
    ],
    [{ added_tokens: [{ ...token, content: '' }] }, 'added_tokens[0]: its content is empty'],
    [{ added_tokens: [{ ...token, id: 1.5 }] }, 'added_tokens[0]: its id is not a whole number'],
    [{ added_tokens: [{ ...token, maybe: true }] }, 'added_tokens[0]: the key "maybe" is not understood'],
    [{ added_tokens: new Array(200_000).fill(token) }, 'added_tokens: it has more than 131072 entries'],
    [
      { added_tokens: [{ ...token, id: 900 }] },
      'added_tokens[0]: its id is 900, and the next one after the vocabulary is 3',
    ],
    [
      { added_tokens: [{ ...token, id: 1 }] },
      'added_tokens[0]: its id is 1, and the next one after the vocabulary is 3',
    ],
    [{ added_tokens: [{ id: 4, content: 'x' }, token] }, 'added_tokens[0]: its id is 4, and the next one after'],
    [{ added_tokens: [token, { ...token, id: 4 }] }, 'added_tokens[1]: "<x>" is there twice'],
    ...[
      { type: 'Strip', strip_right: false },
      { type: 'StripAccents' },
      { type: 'Replace', pattern: { String: 'a' }, content: '' },
      { type: 'Replace', pattern: { String: 'ab' }, content: 'a' },
      { type: 'Replace', pattern: { Regex: 'a+' }, content: 'a' },
    ].map((normalizer): [object, string] => [
      {
        normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, normalizer] },
        pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Metaspace', prepend_scheme: 'first' }] },
      },
      'pre_tokenizer: prepend_scheme "first" after a normalizer that may drop the start of the text',
    ]),
  ])('%#', (parts, message) => {
    expect(refusal(parts)).toContain(message);
  });

  test.each<[string, string]>([
    ['(a+)+$', 'an unbounded repetition of a group that can match in several ways'],
    ['(a|a)*b', 'an unbounded repetition of a group that can match in several ways'],
    ['(?:a*){2,}', 'an unbounded repetition of a group that can match in several ways'],
    ['(a?){99}', 'a count above 16 of a group that can match in several ways'],
    ['a{2000}', 'a count above 1000'],
    ['a*a*a*a*b', 'more than 3 unbounded repetitions in a row'],
    ['(?:a*){4}', 'more than 3 unbounded repetitions in a row'],
    ['a**', 'a repetition of a repetition'],
    ['(a)\\1', '"\\1"'],
    ['\\bword', '"\\b"'],
    ['(?i)a', '"(?i)"'],
    ['(?<name>a)', '"(?<n"'],
    ['\\w+', '"\\w"'],
    ['a|\\W', '"\\W"'],
    ['[\\w.]', '"\\w"'],
    ['[^\\W]', '"\\W"'],
    ...['a?', 'a*|b', '$', '\\A', '(?=a)', '(?<!a)', 'a{0,2}', 'a{0}', '(?>a?)', '^a?'].map(
      (source): [string, string] => [source, 'a way to match the empty text'],
    ),
    ['[a&&b]', '"&&" in a class'],
    ['[[:alpha:]]', '"[:" in a class'],
    ['\\p{Nope}', 'the property Nope'],
    ['[z-a]', 'out of order'],
    ['(a', '"(" without ")"'],
    ['a)', '")" without "("'],
    ['[a', '"[" without "]"'],
    ['*', '"*" with nothing to repeat'],
    ['('.repeat(60), 'groups are nested too deeply'],
    ['a'.repeat(10_001), 'longer than 10000 characters'],
    ['', 'it is empty'],
  ])('the expression %j', (Regex, message) => {
    const said = refusal({ pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated' } });
    expect(said).toMatch(/^pre_tokenizer\.pattern: /);
    expect(said).toContain(message);
  });
});

const within = (parts: object) => {
  const model = { type: 'BPE', vocab: { f: 0, o: 1 }, merges: [] };
  return tokenizerFrom({ model, ...parts });
};

test('of two added tokens with the same normalized form, the first is found', () => {
  const added_tokens = ['FOO', 'foo'].map((content, i) => ({ id: 2 + i, content, normalized: true }));
  const read = within({ normalizer: { type: 'Lowercase' }, added_tokens });
  expect(read.encode('foofFOO')).toEqual([2, 0, 2]);
});

test('an added token that is in the vocabulary keeps its id from there', () => {
  const added_tokens = [
    { id: 9, content: 'o' },
    { id: 2, content: 'x' },
  ];
  expect(within({ added_tokens }).encode('fox')).toEqual([0, 1, 2]);
});

test('normalizers that keep the first character keep the mark before it', () => {
  const model = { type: 'WordLevel', vocab: { '?': 0, '▁x': 1, zx: 2, '▁zx': 3 }, unk_token: '?' };
  const pre_tokenizer = { type: 'Metaspace', prepend_scheme: 'first' };
  const normalizer = { type: 'Replace', pattern: { String: 'y' }, content: 'z' };
  expect(within({ model, pre_tokenizer, normalizer }).encode('yx')).toEqual([3]);
  expect(within({ model, pre_tokenizer, normalizer: { type: 'Strip', strip_left: false } }).encode('x ')).toEqual([1]);
});

test('a long text is encoded in steps', () => {
  const steps = bytes.encoding('ab '.repeat(20_000));
  let count = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) {
      expect(step.value).toHaveLength(60_000);
      break;
    }
    count++;
  }
  expect(count).toBeGreaterThan(5);
});

describe.each([
  ['bytes', bytes, 260],
  ['merges', llama, pieces.length],
])('streaming %s', (_, tokenizer, vocab) => {
  const decode = (ids: readonly number[]) => tokenizer.decode(ids);

  test('any ids: the pieces join to the text, and returned pieces never change', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: vocab - 1 }), { maxLength: 30 }), (ids) => {
        const whole = decode(ids);
        const stream = new Detokenizer(decode);
        let given = '';
        for (const token of ids) {
          given += stream.push(token);
          expect(whole.startsWith(given)).toBe(true);
        }
        expect(given + stream.flush()).toBe(whole);
      }),
      { numRuns: 500 },
    );
  });

  test('any text after any part of it: the part and the pieces join to the whole text', () => {
    const sound = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((t) => !/[▁\ufffd]/.test(t));
    fc.assert(
      fc.property(sound, fc.nat(40), (t, cut) => {
        const ids = tokenizer.encode(t);
        const prompt = ids.slice(0, cut);
        const there = decode(prompt).replace(/\ufffd$/, '');
        const stream = tokenizer.detokenizer([1, ...prompt]);
        const pieces = ids.slice(cut).map((id) => stream.push(id));
        expect(there + pieces.join('') + stream.flush().replace(/\ufffd$/, '')).toBe(
          decode(ids).replace(/\ufffd$/, ''),
        );
      }),
    );
  });

  test('any text: every complete character is returned at once', () => {
    // Merges write a space as ▁, and cannot distinguish it from a ▁ in the text.
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((t) => !t.includes('▁'));
    fc.assert(
      fc.property(text, (t) => {
        const ids = tokenizer.encode(t);
        const stream = new Detokenizer(decode);
        let given = '';
        ids.forEach((token, i) => {
          given += stream.push(token);
          const soFar = decode(ids.slice(0, i + 1));
          if (!soFar.endsWith('\ufffd')) expect(given).toBe(soFar);
        });
        expect(given).toBe(t);
      }),
    );
  });
});

test('the first piece keeps its space after a text, and has none after a special token', () => {
  const first = (...prompt: number[]) => llama.detokenizer(prompt).push(id('▁hello'));
  expect(first(1, id('▁hello'))).toBe(' hello');
  expect(first(1)).toBe('hello');
  expect(first()).toBe('hello');
  expect(first(1, id('▁hello'), 2)).toBe('hello');
  // A character that the prompt left incomplete is returned whole.
  expect(llama.detokenizer([id('▁hello'), id('<0xC3>')]).push(id('<0xA9>'))).toBe('é');
  expect(llama.detokenizer([id('▁hello'), id('<0xC3>')], true).push(id('▁hello'))).toBe('hello');
  expect(llama.detokenizer([id('▁hello')], true).push(id('▁hello'))).toBe(' hello');
});

test('an emoji of four byte tokens is one piece, and invalid bytes do not hold back the rest', () => {
  const stream = new Detokenizer((ids) => bytes.decode(ids));
  expect([0xf0, 0x9f, 0x98, 0x80].map((b) => stream.push(b))).toEqual(['', '', '', '😀']);
  expect([0x80, 0x80, 0x41].map((b) => stream.push(b))).toEqual(['', '\ufffd', '\ufffdA']);
  expect(stream.push(0xf0) + stream.flush()).toBe('\ufffd');
});

test.each([
  ['bytes', () => bytes],
  ['pieces', () => llama],
])('a text may end in U+FFFD: the answer does not repeat it (%s)', (_, of) => {
  const tokenizer = of();
  for (const isWhole of [false, true]) {
    const stream = tokenizer.detokenizer(tokenizer.encode('a\ufffd'), isWhole);
    expect(
      tokenizer
        .encode('b')
        .map((id) => stream.push(id))
        .join('')
        .trim(),
    ).toBe('b');
  }
  // Bytes that lack the rest of a character still wait for it.
  const stream = bytes.detokenizer([0x61, 0xef, 0xbf]);
  expect([0xbd, 0x62].map((id) => stream.push(id)).join('')).toBe('\ufffdb');
});

test('text ends before the stop string that is complete first, for every split of the text', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
  const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 6 }), fc.array(stop, { maxLength: 3 }), (parts, stops) => {
      const all = parts.join('');
      // Letter by letter: the first beginning that ends in a stop string is cut before the longest
      // such stop string.
      const beginnings = Array.from(all, (_, i) => all.slice(0, i + 1));
      const reached = beginnings.find((beginning) => stops.some((s) => beginning.endsWith(s)));
      const longest = Math.max(...stops.filter((s) => reached?.endsWith(s)).map((s) => s.length));
      const stream = new StopStrings(stops);
      const given = parts.map((part) => stream.push(part)).join('') + stream.flush();
      expect(given).toBe(reached === undefined ? all : reached.slice(0, reached.length - longest));
      expect(stream.stopped).toBe(reached !== undefined);
    }),
    { numRuns: 1000 },
  );
});
