/** Converts a word to ids: the `model` of `tokenizer.json`. */
import { type Merged, mergeAll } from './merge.ts';
import { allow, array, flag, isId, type Makers, make, maxId, type Part, partOf, refuse, string } from './part.ts';
import { literal } from './pattern.ts';

export interface Model {
  /** Every token by its text. */
  readonly ids: ReadonlyMap<string, number>;
  /** Ids of a word, with pauses if it is long. */
  encode(word: string): Generator<undefined, readonly number[]>;
}

const encoder = new TextEncoder();

/** Characters of a word between two pauses. */
const charactersPerStep = 16_384;

const makers: Makers<Model> = { BPE: bpe, SentencePieceBPE: sentencePiece, WordLevel: wordLevel };

/** The model under `model`. */
export function modelOf(value: unknown): Model {
  const { at, json } = partOf(value, 'model');
  // Older files have no type in a BPE model, the only one with merges.
  return make(json.type === undefined && json.merges ? { type: 'BPE', ...json } : json, at, makers);
}

/** Byte-pair encoding: the characters of a word, merged in the order of a list. */
function bpe(part: Part): Model {
  allow(
    part,
    ...['vocab', 'merges', 'dropout', 'unk_token', 'continuing_subword_prefix', 'end_of_word_suffix'],
    ...['fuse_unk', 'byte_fallback', 'ignore_merges'],
  );
  const ids = vocabularyOf(part);
  if ((part.json.dropout ?? 0) !== 0) refuse(part.at, 'dropout omits merges at random');
  const unknown = unknownOf(part, ids);
  const prefix = string(part, 'continuing_subword_prefix', '');
  const suffix = string(part, 'end_of_word_suffix', '');
  const [fuses, looksUp] = [flag(part, 'fuse_unk', false), flag(part, 'ignore_merges', false)];
  const bytes = flag(part, 'byte_fallback', false) ? byteIdsOf(ids) : null;

  const merges = new Map<number, Merged<number>>();
  for (const [rank, [left, right]] of pairsOf(part).entries()) {
    const text = left + right.slice(prefix.length);
    const [a, b, symbol] = [ids.get(left), ids.get(right), ids.get(text)];
    if (a === undefined || b === undefined || symbol === undefined) {
      const missing = a === undefined ? left : b === undefined ? right : text;
      return refuse(`${part.at}.merges[${rank}]`, `${JSON.stringify(missing)} is not in the vocabulary`);
    }
    merges.set(a * maxId + b, { rank, symbol });
  }

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
      const id = ids.get(text);
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
    ids,
    *encode(word) {
      const whole = looksUp ? ids.get(word) : undefined;
      if (whole !== undefined) return [whole];
      return yield* mergeAll(yield* symbolsOf(word), (left, right) => merges.get(left * maxId + right));
    },
  };
}

/**
 * SentencePiece's byte-pair encoding, in the form to which Lamella converts a `tokenizer.model`:
 * instead of a list of merges, a score for each piece. The neighbours that join to the piece with
 * the highest score are joined first; of equals, the leftmost. Before that, `symbols` are found in
 * the text, the longest first; they are never merged. Characters without a piece become bytes.
 */
function sentencePiece(part: Part): Model {
  allow(part, 'vocab', 'scores', 'symbols', 'unk_token');
  const ids = vocabularyOf(part);
  if (unknownOf(part, ids) === null) refuse(part.at, 'unk_token is missing');
  const bytes = byteIdsOf(ids);
  if (bytes.some((id) => id === undefined)) refuse(part.at, 'a byte is not in the vocabulary');

  // A rank for each score. Only pieces with a score result from joining.
  const { at, json } = partOf(part.json.scores, `${part.at}.scores`);
  const scores = Object.entries(json).map(([text, score]): [string, number] => {
    if (typeof score !== 'number' || !ids.has(text)) refuse(at, `${JSON.stringify(text)} has no number or no id`);
    return [text, score as number];
  });
  const ordered = [...new Set(scores.map(([, score]) => score))].sort((a, b) => b - a);
  const rankOfScore = new Map(ordered.map((score, rank) => [score, rank]));
  const pieces = new Map(scores.map(([text, score]) => [text, { rank: rankOfScore.get(score)!, symbol: text }]));

  const symbols = array(part, 'symbols').map((symbol) =>
    typeof symbol === 'string' && symbol !== '' && ids.has(symbol) ? symbol : refuse(part.at, 'a symbol has no id'),
  );
  const frozen = new Set(symbols);
  const longestFirst = symbols.toSorted((a, b) => b.length - a.length);
  const anySymbol = symbols.length === 0 ? null : new RegExp(`(${longestFirst.map(literal).join('|')})`, 'u');

  return {
    ids,
    *encode(word) {
      const found: number[] = [];
      for (const run of anySymbol ? word.split(anySymbol) : [word]) {
        if (frozen.has(run)) {
          found.push(ids.get(run)!);
          continue;
        }
        for (const piece of yield* mergeAll(Array.from(run), (left, right) => pieces.get(left + right))) {
          if (pieces.has(piece)) found.push(ids.get(piece)!);
          else for (const byte of encoder.encode(piece)) found.push(bytes[byte]!);
        }
      }
      return found;
    },
  };
}

/** A word is a token or unknown. */
function wordLevel(part: Part): Model {
  allow(part, 'vocab', 'unk_token');
  const ids = vocabularyOf(part);
  const unknown = unknownOf(part, ids);
  if (unknown === null) refuse(part.at, 'unk_token is missing');
  return {
    ids,
    // biome-ignore lint/correctness/useYield: words are short, so no pause is needed
    *encode(word) {
      return [ids.get(word) ?? unknown!];
    },
  };
}

function vocabularyOf(part: Part): Map<string, number> {
  const { at, json } = partOf(part.json.vocab, `${part.at}.vocab`);
  const ids = new Map<string, number>();
  for (const [text, id] of Object.entries(json)) {
    ids.set(text, isId(id) ? id : refuse(at, `the id of ${JSON.stringify(text)} is not a whole number below ${maxId}`));
  }
  return ids;
}

/** The id of `unk_token`; null if there is none. */
function unknownOf(part: Part, ids: ReadonlyMap<string, number>): number | null {
  const text = string(part, 'unk_token', '');
  if (text === '') return null;
  return ids.get(text) ?? refuse(part.at, `unk_token ${JSON.stringify(text)} is not in its vocabulary`);
}

/** The ids of `<0x00>` to `<0xFF>`. */
function byteIdsOf(ids: ReadonlyMap<string, number>): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`));
}

/** The merges, in either form: `"a b"` or `["a", "b"]`. */
function pairsOf(part: Part): (readonly [string, string])[] {
  const merges = array(part, 'merges');
  if (merges.length > maxId) refuse(part.at, `it has more than ${maxId} merges`);
  return merges.map((merge, rank) => {
    const [left, right, ...more]: unknown[] =
      typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    if (typeof left === 'string' && typeof right === 'string' && more.length === 0) return [left, right];
    return refuse(`${part.at}.merges[${rank}]`, `${JSON.stringify(merge).slice(0, 80)} is not two tokens`);
  });
}
