/**
 * Two tokenizers of the kinds that llama.cpp supports, in the form of `tokenizer.json`: the
 * SentencePiece model of the checkpoint tests, converted, and a byte-level one that is learned here
 * from a few lines, so that its merges overlap like real ones (arXiv 1508.07909).
 */
import { readFileSync } from 'node:fs';
import { sentencePieceToTokenizerJson } from '@lamella/checkpoint/sentencepiece/tokenizer-json';

const fixture = (name: string) => new URL(`../../packages/checkpoint/test/fixtures/spm/${name}`, import.meta.url);

const corpus = `the deep and thin transformer reads the weights once and the thin layers share them
there is nothing thinner than this layer; then the other layers are the same layers again, in their order
hello hello world, the world is there and here, we have shared the weights and the weather`;

/**
 * Merges of the most frequent pairs, each made where it occurs; of equally frequent ones, the first
 * in order.
 */
function learnMerges(words: readonly (readonly string[])[], count: number): [string, string][] {
  let current = words.map((word) => [...word]);
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const seen = new Map<string, number>();
    for (const word of current)
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]}\n${word[i + 1]}`;
        seen.set(pair, (seen.get(pair) ?? 0) + 1);
      }
    const [best] = [...seen].reduce((top, entry) => (entry[1] > top[1] ? entry : top));
    const [left = '', right = ''] = best.split('\n');
    merges.push([left, right]);
    current = current.map((word) => merged(word, left, right));
  }
  return merges;
}

function merged(word: readonly string[], left: string, right: string): string[] {
  const out: string[] = [];
  for (const piece of word) {
    if (piece === right && out.at(-1) === left) out[out.length - 1] = left + right;
    else out.push(piece);
  }
  return out;
}

/** Ids in the given order; a text has the first id that it gets. */
function idsOf(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries([...new Set(texts)].map((text, id) => [text, id]));
}

function special(...contents: readonly string[]) {
  return contents.map((content, id) => ({ id, content, special: true }));
}

/**
 * The 256 characters that stand for bytes in byte-level BPE: printable Latin-1 for itself, the
 * others from U+0100 on.
 */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

const ends = ['<unk>', '<s>', '</s>'];

/** The parts in which byte-level tokenizers differ. */
interface ByteLevel {
  readonly normalizer: object | null;
  readonly pre_tokenizer: object;
  readonly ignore_merges: boolean;
}
const step = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const gpt2: ByteLevel = { normalizer: null, pre_tokenizer: step, ignore_merges: false };

/**
 * Text that pre-tokenizers cut differently: digits, contractions, line ends, capitals, marks, scripts. Merges are learned from it
 * uncut, so that a cut in another place gives other ids.
 */
const crossing = `In 2024 we've read 12345678 tokens, they'll read 1234567890 more; it's 3.14159, isn't it?  12 345\n\n
HelloWorld XMLHttpRequest we'VE CAN'T don't I'm you're  \t  x = y+1; // f(a,b)==c\r\n  if(x){ return 0x1F; }\n\n\n
é à la carte, naïve café; 日本語のテキスト 東京2024年 中文字符123 русский текст, ١٢٣٤ über-größe 🙂🙂 <|x|> [a-z]+ ...!!!`;

/** A token that no merges make. It is found only by tokenizers that look up whole words first. */
const unmerged = 'Ġqqq';

export function byteLevelJson({ normalizer, pre_tokenizer, ignore_merges }: ByteLevel = gpt2): string {
  const characters = byteCharacters();
  const words = [...(corpus.match(/ ?[a-z]+|[^a-z]+/g) ?? []), ...crossing.split(/(?<=\n)(?=.)/s)];
  const coded = words.map((word) => [...new TextEncoder().encode(word)].map((byte) => characters[byte]!));
  const merges = learnMerges(coded, 350);
  return JSON.stringify({
    version: '1.0',
    added_tokens: special(...ends),
    normalizer,
    pre_tokenizer,
    post_processor: null,
    decoder: step,
    model: {
      type: 'BPE',
      unk_token: null,
      ignore_merges,
      vocab: idsOf([...ends, ...characters, ...merges.map((pair) => pair.join('')), unmerged]),
      merges: merges.map((pair) => pair.join(' ')),
    },
  });
}

/** 2,000 pieces. */
export function sentencePieceJson(): string {
  const model = readFileSync(fixture('tokenizer.model'));
  return JSON.stringify(sentencePieceToTokenizerJson(model, null, 'tokenizer.model').tokenizer);
}

/** Sentences, code, many scripts, emoji, control characters, runs of spaces, and what pre-tokenizers cut differently. */
export function mixedLines(): string[] {
  const rows = readFileSync(fixture('encoded.jsonl'), 'utf8').trimEnd().split('\n');
  return [
    crossing,
    'and qqq, qqq',
    ...rows.map((row) => (JSON.parse(row) as [line: string, ids: readonly number[]])[0]),
  ];
}
