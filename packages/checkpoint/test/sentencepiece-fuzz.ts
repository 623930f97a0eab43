/**
 * Reads thousands of damaged `tokenizer.model` files: each is refused with a message, or becomes a
 * tokenizer that the runtime can use, in little memory. A failure names the seed that reproduces
 * it.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import fc from 'fast-check';
import { sentencePieceToTokenizerJson } from '../src/sentencepiece/tokenizer-json.ts';
import {
  bpe,
  bytesField,
  firstPieces,
  identity,
  modelFile,
  type PieceFields,
  type,
  varint,
} from './sentencepiece-file.ts';

/** The most that the process may grow during a run. */
const maxGrowthBytes = 400 << 20;

const text = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'ab',
    'ba',
    'aba',
    'abab',
    '▁',
    '▁a',
    '__proto__',
    'constructor',
    '<s>',
    '<0x41>',
    '😀',
    '(',
    '\\z',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('a'.repeat(500), 'ab'.repeat(5000), ''),
);
const piece: fc.Arbitrary<PieceFields> = fc.record({
  text,
  score: fc.oneof(
    { weight: 20, arbitrary: fc.float({ noNaN: true, min: -1000, max: 0 }) },
    fc.constantFrom(NaN, Infinity, 0),
  ),
  type: fc.oneof({ weight: 20, arbitrary: fc.constant(type.normal) }, fc.constant(type.user), fc.nat(8)),
});
/** A vocabulary in which most cases have no text twice, so that later checks are reached too. */
const pieces = fc.oneof(
  { weight: 4, arbitrary: fc.uniqueArray(piece, { maxLength: 20, selector: (one) => one.text }) },
  { weight: 1, arbitrary: fc.array(piece, { maxLength: 20 }) },
);
const settings = fc.dictionary(fc.constantFrom('2', '3', '4', '5', '24', '45', '46'), fc.oneof(fc.nat(), text), {
  maxKeys: 2,
});
/** False lengths and numbers. */
const lie = fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63).map(varint);

/** Overwrites, inserts or cuts out bytes at a place, given as a fraction of the file. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  removed: fc.oneof(fc.nat(8), fc.constant(Infinity)),
  added: fc.oneof(
    fc.array(fc.nat(255), { maxLength: 8 }),
    lie,
    fc.nat(50).map((number) => bytesField(number, [8, 1])),
    fc.constant(new Array<number>(5000).fill(0xff)),
  ),
});
const damages = fc.oneof(fc.constant([]), fc.array(damage, { maxLength: 3 }));
const file = fc
  .tuple(pieces, fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, settings), damages)
  .map(([more, set, breaks]) => {
    let bytes = [...modelFile([...firstPieces, ...more], { ...bpe, ...set }, { ...identity, ...set })];
    for (const { at, removed, added } of breaks) {
      // The names of the 256 bytes are of little interest: half of the damage comes after them.
      const place = Math.floor((at < 0.5 ? at * 2 : 1 - (at - 0.5) * 0.1) * bytes.length);
      bytes = [...bytes.slice(0, place), ...added, ...bytes.slice(place + removed)];
    }
    return Uint8Array.from(bytes);
  });

/**
 * Damages files a number of times, from `seed` on. Returns the numbers of refused and of read
 * files.
 */
export function fuzzSentencePiece(cases: number, seed: number): { refused: number; read: number } {
  const counts = { refused: 0, read: 0 };
  const before = process.memoryUsage.rss();
  for (const end = seed + cases; seed < end; seed++) {
    const [bytes] = fc.sample(file, { seed, numRuns: 1 });
    counts[outcome(bytes!, seed)]++;
    const growth = process.memoryUsage.rss() - before;
    if (growth > maxGrowthBytes) throw new Error(`seed ${seed}: memory has grown by ${growth >> 20} MiB`);
  }
  return counts;
}

function outcome(bytes: Uint8Array, seed: number): 'refused' | 'read' {
  try {
    const { tokenizer: json } = sentencePieceToTokenizerJson(bytes, null, 'tokenizer.model');
    const tokenizer = tokenizerFrom(json);
    const ids = tokenizer.encode('abab <s> ba😀\n');
    if (!ids.every((id) => Number.isInteger(id) && id >= 0)) throw new Error(`ids ${ids.join(' ')}`);
    return 'read';
  } catch (error) {
    if (error instanceof LamellaError && error.code === 'L207' && error.message.length < 5000) return 'refused';
    throw new Error(`seed ${seed}: neither read nor refused in words: ${(error as Error).stack}`);
  }
}
