/**
 * Two small tokenizers of the kinds llama.cpp knows, in the form of `tokenizer.json`, learned here from a few lines so that their merges
 * overlap as those of real ones do (byte-pair encoding, arXiv 1508.07909), and texts to try them on.
 */

const corpus = `the deep and thin transformer reads the weights once and the thin layers share them
there is nothing thinner than this layer; then the other layers are the same layers again, in their order
hello hello world, the world is there and here, we have shared the weights and the weather`;

export const sampleTexts: readonly string[] = [
  'the weather there is thin',
  ' two  spaces and   three',
  "Hello, World! 12345 it’s we've",
  'naïve café 漢字 😀 \u0301',
  'line\nbreak\tand tab\r\n',
  'nothing here, nothing there; sharedlayersagain',
];

/** Merges of the most frequent pairs, each made where it occurs, ties to the first in order. */
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

/** Ids in the order given; a text has the first id it gets. */
function idsOf(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries([...new Set(texts)].map((text, id) => [text, id]));
}

function special(...contents: readonly string[]) {
  return contents.map((content, id) => ({ id, content, special: true }));
}

/** The 256 characters that stand for bytes in byte-level BPE: printable Latin-1 for itself, the others from U+0100 on. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

const ends = ['<unk>', '<s>', '</s>'];

export const byteLevelJson = (() => {
  const characters = byteCharacters();
  const words = corpus.match(/ ?[a-z]+|[^a-z]+/g) ?? [];
  const coded = words.map((word) => [...new TextEncoder().encode(word)].map((byte) => characters[byte]!));
  const merges = learnMerges(coded, 60);
  const step = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return JSON.stringify({
    version: '1.0',
    added_tokens: special(...ends),
    normalizer: null,
    pre_tokenizer: step,
    post_processor: null,
    decoder: step,
    model: {
      type: 'BPE',
      unk_token: null,
      vocab: idsOf([...ends, ...characters, ...merges.map((pair) => pair.join(''))]),
      merges: merges.map((pair) => pair.join(' ')),
    },
  });
})();

export const sentencePieceJson = (() => {
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
  const marked = corpus.split('\n').map((line) => `\u2581${line.replaceAll(' ', '\u2581')}`);
  const words = marked.flatMap((line) => line.match(/\u2581?[^\u2581]+/g) ?? []);
  const merges = learnMerges(
    words.map((word) => [...word]),
    60,
  );
  const characters = [...new Set(marked.join(''))].sort();
  return JSON.stringify({
    version: '1.0',
    added_tokens: special(...ends),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '\u2581' },
        { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: idsOf([...ends, ...bytes, ...merges.map((pair) => pair.join('')), ...characters]),
      merges: merges.map((pair) => pair.join(' ')),
    },
  });
})();
