/**
 * Packs a `tokenizer.json` into the form that packages contain and `Tokenizer` reads. JSON writes
 * every merge as two texts: Gemma 3's file has 33 MB, packed 3.6 MB. Parsing JSON into strings and
 * `Map`s is also most of the loading time. Only the compiler loads this module.
 *
 * `docs/decisions.md` defines the bytes: the JSON without its tables, the vocabulary, then the
 * merges of a BPE model or the scores of a SentencePiece model.
 */
import { array, isId, type Json, type Makers, make, maxId, type Part, partOf, refuse, string } from './part.ts';

/** A model, taken apart. */
interface Taken {
  readonly ids: ReadonlyMap<string, number>;
  /** The bytes of its other tables. */
  readonly others: readonly Uint8Array[];
  /** Its keys that are not tables. */
  readonly settings: Json;
}

const encoder = new TextEncoder();

const makers: Makers<Taken> = {
  BPE: (part) => {
    const { vocab, merges, ...settings } = part.json;
    const ids = vocabularyOf(part);
    return { ids, others: mergesOf(part, ids), settings };
  },
  SentencePieceBPE: (part) => {
    const { vocab, scores, ...settings } = part.json;
    const ids = vocabularyOf(part);
    return { ids, others: scoresOf(part, ids), settings };
  },
  WordLevel: (part) => {
    const { vocab, ...settings } = part.json;
    return { ids: vocabularyOf(part), others: [], settings };
  },
};

/**
 * The packed form of the content of a `tokenizer.json`. Throws NotUnderstood if the vocabulary, the
 * merges or the scores are not valid; `Tokenizer` checks the other parts.
 */
export function packTokenizer(json: unknown): Uint8Array {
  const file = partOf(json, 'tokenizer.json').json;
  const given = partOf(file.model, 'model').json;
  // Older files have no type in a BPE model, the only one with merges.
  const model = given.type === undefined && given.merges ? { type: 'BPE', ...given } : given;
  const { ids, others, settings } = make(model, 'model', makers);
  const added_tokens = Array.isArray(file.added_tokens) ? file.added_tokens.map(withoutDefaults) : file.added_tokens;
  const rest = encoder.encode(JSON.stringify({ ...file, added_tokens, model: settings }));
  return joined([numbers([rest.length]), rest, ...vocabularyBytes(ids), ...others]);
}

/** Flags of added tokens that are false by default. */
const optional: ReadonlySet<string> = new Set(['special', 'single_word', 'lstrip', 'rstrip']);

/** An added token without the flags that have their default. */
function withoutDefaults(token: unknown): unknown {
  if (typeof token !== 'object' || token === null) return token;
  return Object.fromEntries(Object.entries(token).filter(([key, value]) => value !== false || !optional.has(key)));
}

/** The number of ids, the lengths of their texts plus 1 (0 for an id without a token), the texts. */
function vocabularyBytes(ids: ReadonlyMap<string, number>): Uint8Array[] {
  const texts: (Uint8Array | undefined)[] = [];
  for (const [text, id] of ids) texts[id] = encoder.encode(text);
  const lengths = Array.from(texts, (text) => (text ? text.length + 1 : 0));
  return [numbers([texts.length]), numbers(lengths), ...texts.flatMap((text) => text ?? [])];
}

/** In the order of their ranks, the results of the merges and the lengths of their left parts. */
function mergesOf(part: Part, ids: ReadonlyMap<string, number>): Uint8Array[] {
  const prefix = string(part, 'continuing_subword_prefix', '');
  // Of equal pairs, the last counts.
  const found = new Map<number, { readonly result: number; readonly bytes: number }>();
  for (const [rank, [left, right]] of pairsOf(part).entries()) {
    const at = `${part.at}.merges[${rank}]`;
    if (!right.startsWith(prefix)) refuse(at, `${JSON.stringify(right)} does not begin with ${JSON.stringify(prefix)}`);
    const text = left + right.slice(prefix.length);
    const [a, b, result] = [ids.get(left), ids.get(right), ids.get(text)];
    if (a === undefined || b === undefined || result === undefined) {
      const missing = a === undefined ? left : b === undefined ? right : text;
      return refuse(at, `${JSON.stringify(missing)} is not in the vocabulary`);
    }
    const pair = a * maxId + b;
    found.delete(pair);
    found.set(pair, { result, bytes: encoder.encode(left).length });
  }
  const all = [...found.values()];
  return [numbers([all.length]), differences(all.map(({ result }) => result)), numbers(all.map(({ bytes }) => bytes))];
}

/** The pieces, highest score first, and for each 1 if its score is lower than the one before. */
function scoresOf(part: Part, ids: ReadonlyMap<string, number>): Uint8Array[] {
  const { at, json } = partOf(part.json.scores, `${part.at}.scores`);
  const scored = Object.entries(json).map(([text, score]) => {
    const id = ids.get(text);
    if (typeof score === 'number' && id !== undefined) return { id, score };
    return refuse(at, `${JSON.stringify(text)} has no number or no id`);
  });
  scored.sort((a, b) => b.score - a.score || a.id - b.id);
  return [
    numbers([scored.length]),
    differences(scored.map(({ id }) => id)),
    numbers(scored.map(({ score }, i) => (i > 0 && score < scored[i - 1]!.score ? 1 : 0))),
  ];
}

function vocabularyOf(part: Part): ReadonlyMap<string, number> {
  const { at, json } = partOf(part.json.vocab, `${part.at}.vocab`);
  const ids = new Map<string, number>();
  const texts: string[] = [];
  for (const [text, id] of Object.entries(json)) {
    const written = JSON.stringify(text);
    if (!isId(id)) return refuse(at, `the id of ${written} is not a whole number below ${maxId}`);
    if (texts[id] !== undefined) refuse(at, `${JSON.stringify(texts[id])} and ${written} have the same id`);
    if (/\p{Surrogate}/u.test(text)) refuse(at, `${written} is not Unicode`);
    texts[id] = text;
    ids.set(text, id);
  }
  return ids;
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

/** Numbers in the form that `ByteReader.numbers` reads. */
function numbers(values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let value of values) {
    for (; value >= 128; value >>= 7) bytes.push((value & 127) | 128);
    bytes.push(value);
  }
  return Uint8Array.from(bytes);
}

/** Numbers in the form that `ByteReader.differences` reads. */
function differences(values: readonly number[]): Uint8Array {
  return numbers(
    values.map((value, i) => {
      const difference = value - (values[i - 1] ?? -1);
      return difference >= 0 ? 2 * difference : -2 * difference - 1;
    }),
  );
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
