/**
 * Converts a word to ids: the `model` of `tokenizer.json`. Its vocabulary and its merges are read
 * from the tables of a packed tokenizer (`pack.ts`).
 */
import type { ByteReader } from './byte-reader.ts';
import { type Merged, mergeAll } from './merge.ts';
import { allow, array, flag, type Makers, make, type Part, refuse, string } from './part.ts';
import { literal } from './pattern.ts';
import { Vocabulary } from './vocabulary.ts';

export interface Model {
  readonly vocabulary: Vocabulary;
  /** Ids of a word, with pauses if it is long. */
  encode(word: string): Generator<undefined, readonly number[]>;
}

/** A model that still needs its tables. */
type Unread = (vocabulary: Vocabulary, file: ByteReader) => Model;

const encoder = new TextEncoder();

/** Characters of a word between two pauses. */
const charactersPerStep = 16_384;

const makers: Makers<Unread> = { BPE: bpe, SentencePieceBPE: sentencePiece, WordLevel: wordLevel };

/** The model under `model`, with the tables that follow in `file`. */
export function modelOf(value: unknown, file: ByteReader): Model {
  return make(value, 'model', makers)(new Vocabulary(file), file);
}

/** Byte-pair encoding: the characters of a word, merged in the order of a list. */
function bpe(part: Part): Unread {
  allow(
    part,
    ...['dropout', 'unk_token', 'continuing_subword_prefix', 'end_of_word_suffix', 'fuse_unk', 'byte_fallback'],
    'ignore_merges',
  );
  if ((part.json.dropout ?? 0) !== 0) refuse(part.at, 'dropout omits merges at random');
  const prefix = string(part, 'continuing_subword_prefix', '');
  const suffix = string(part, 'end_of_word_suffix', '');
  const [fuses, looksUp] = [flag(part, 'fuse_unk', false), flag(part, 'ignore_merges', false)];
  const fallsBack = flag(part, 'byte_fallback', false);

  return (vocabulary, file) => {
    const unknown = unknownOf(part, vocabulary);
    const bytes = fallsBack ? byteIdsOf(vocabulary) : null;
    const mergeOf = readMerges(vocabulary, file, encoder.encode(prefix));

    /** Ids of the single characters. */
    function* symbolsOf(word: string): Generator<undefined, number[]> {
      const symbols: number[] = [];
      // An unknown character is written once it is certain that the next one is not fused with it.
      let unknowns = 0;
      const putUnknowns = (): void => {
        if (unknowns > 0 && unknown !== null) symbols.push(unknown);
        unknowns = 0;
      };
      let end = 0;
      let count = 0;
      for (const character of word) {
        if (++count % charactersPerStep === 0) yield;
        const start = end;
        end += character.length;
        const text = `${start > 0 ? prefix : ''}${character}${end === word.length ? suffix : ''}`;
        const id = vocabulary.idOf(text);
        if (id !== undefined) {
          putUnknowns();
          symbols.push(id);
          continue;
        }
        const fallback = bytes && Array.from(encoder.encode(text), (byte) => bytes[byte] ?? -1);
        if (fallback && !fallback.includes(-1)) {
          symbols.push(...fallback);
          continue;
        }
        if (!fuses) putUnknowns();
        unknowns++;
      }
      putUnknowns();
      return symbols;
    }

    return {
      vocabulary,
      *encode(word) {
        const whole = looksUp ? vocabulary.idOf(word) : undefined;
        if (whole !== undefined) return [whole];
        return yield* mergeAll(yield* symbolsOf(word), mergeOf);
      },
    };
  };
}

/**
 * The merges, as a function of two neighbours. A merge is stored as its result and the length of
 * the left part, because the text of the result is both parts. So a pair is looked up by its text,
 * and no table of pairs is needed.
 */
function readMerges(vocabulary: Vocabulary, file: ByteReader, prefix: Uint8Array) {
  const count = file.number();
  const results = file.differences(count, vocabulary.end);
  const leftBytes = file.numbers(count);
  // The merges of token n are ranks[starts[n]] to ranks[starts[n + 1] - 1].
  const starts = new Int32Array(vocabulary.end + 1);
  for (const result of results) starts[result + 1]!++;
  for (let id = 0; id < vocabulary.end; id++) starts[id + 1]! += starts[id]!;
  const ranks = new Int32Array(count);
  const next = starts.slice();
  for (let rank = 0; rank < count; rank++) ranks[next[results[rank]!]!++] = rank;

  return (left: number, right: number): Merged<number> | undefined => {
    const symbol = vocabulary.joined(left, right, prefix);
    if (symbol === undefined) return undefined;
    const bytes = vocabulary.bytesOf(left);
    for (let i = starts[symbol]!; i < starts[symbol + 1]!; i++) {
      const rank = ranks[i]!;
      if (leftBytes[rank] === bytes) return { rank, symbol };
    }
    return undefined;
  };
}

/**
 * SentencePiece's byte-pair encoding, in the form to which Lamella converts a `tokenizer.model`:
 * instead of a list of merges, a score for each piece. The neighbours that join to the piece with
 * the highest score are joined first; of equals, the leftmost. Before that, `symbols` are found in
 * the text, the longest first; they are never merged. Characters without a piece become bytes.
 */
function sentencePiece(part: Part): Unread {
  allow(part, 'symbols', 'unk_token');
  return (vocabulary, file) => {
    if (unknownOf(part, vocabulary) === null) refuse(part.at, 'unk_token is missing');
    const bytes = byteIdsOf(vocabulary);
    if (bytes.includes(undefined)) refuse(part.at, 'a byte is not in the vocabulary');

    // The pieces, highest score first, and for each whether its score is lower than the one before.
    const count = file.number();
    const pieces = file.differences(count, vocabulary.end);
    const steps = file.numbers(count);
    const ranks = new Int32Array(vocabulary.end).fill(-1);
    let rank = 0;
    for (const [i, piece] of pieces.entries()) ranks[piece] = rank += steps[i]! > 0 ? 1 : 0;

    const symbols = array(part, 'symbols').map((symbol) =>
      typeof symbol === 'string' && symbol !== '' && vocabulary.idOf(symbol) !== undefined
        ? symbol
        : refuse(part.at, 'a symbol has no id'),
    );
    const frozen = new Set(symbols);
    const longestFirst = symbols.toSorted((a, b) => b.length - a.length);
    const anySymbol = symbols.length === 0 ? null : new RegExp(`(${longestFirst.map(literal).join('|')})`, 'u');

    /** The id of a piece with a score. */
    const pieceOf = (text: string): number | undefined => {
      const id = vocabulary.idOf(text);
      return id !== undefined && ranks[id]! >= 0 ? id : undefined;
    };
    const merged = (left: string, right: string): Merged<string> | undefined => {
      const symbol = left + right;
      const id = pieceOf(symbol);
      return id === undefined ? undefined : { rank: ranks[id]!, symbol };
    };

    return {
      vocabulary,
      *encode(word) {
        const found: number[] = [];
        for (const run of anySymbol ? word.split(anySymbol) : [word]) {
          if (frozen.has(run)) {
            found.push(vocabulary.idOf(run)!);
            continue;
          }
          for (const text of yield* mergeAll(Array.from(run), merged)) {
            const id = pieceOf(text);
            if (id !== undefined) found.push(id);
            else for (const byte of encoder.encode(text)) found.push(bytes[byte]!);
          }
        }
        return found;
      },
    };
  };
}

/** A word is a token or unknown. */
function wordLevel(part: Part): Unread {
  allow(part, 'unk_token');
  return (vocabulary) => {
    const unknown = unknownOf(part, vocabulary);
    if (unknown === null) return refuse(part.at, 'unk_token is missing');
    return {
      vocabulary,
      // biome-ignore lint/correctness/useYield: words are short, so no pause is needed
      *encode(word) {
        return [vocabulary.idOf(word) ?? unknown];
      },
    };
  };
}

/** The id of `unk_token`; null if there is none. */
function unknownOf(part: Part, vocabulary: Vocabulary): number | null {
  const text = string(part, 'unk_token', '');
  if (text === '') return null;
  return vocabulary.idOf(text) ?? refuse(part.at, `unk_token ${JSON.stringify(text)} is not in its vocabulary`);
}

/** The ids of `<0x00>` to `<0xFF>`. */
function byteIdsOf(vocabulary: Vocabulary): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) =>
    vocabulary.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
}
