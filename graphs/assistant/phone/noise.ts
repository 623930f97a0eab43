/**
 * Makes a request as untidy as people write: fillers, courtesies, typing mistakes, lower case,
 * missing apostrophes and full stops. Copied values stay as they are, except for the case of the
 * whole request; the answer copies what was typed.
 */
import type { Random } from '../random.ts';

/** A piece of a request. A `copied` piece is the value of a slot. */
export interface Part {
  readonly text: string;
  readonly copied: boolean;
}

const ANYWHERE = [
  'please ',
  'hey ',
  'ok ',
  'hi, ',
  'so ',
  'um ',
  'hello, ',
  'pls ',
  'yo ',
  'right, ',
  'ok so ',
  'hey, ',
  'oh and ',
];
const BEFORE_VERBS = [
  'please ',
  'can you ',
  'could you ',
  'can you please ',
  'could you please ',
  'would you ',
  'can u ',
  'i want you to ',
  'would you mind to ',
  "i'd like you to ",
  'pls ',
  'go and ',
  'just ',
];
const COURTESIES = [' please', ' thanks', ' thank you', ' pls', ', please', ' plz'];
const CLOSERS = [...COURTESIES, ' now', ' for me', ' asap', ' quickly', '.', '.', '!', '?', '..', ' :)'];
const VERBS =
  /^(set|call|send|text|show|play|put|add|create|make|wake|start|open|turn|switch|give|get|find|tell|remind|take|write|save|email|mail|book|schedule|plan|phone|ring|dial|message|navigate|new|let|ask|begin|connect|note|jot|order|translate|lock|unlock|print|rent|record|close|share|check|vacuum|store)\b/;

/** Doubles, drops or swaps a letter inside a word. */
function mistyped(text: string, random: Random): string {
  const places = [...text.matchAll(/(?<=[a-z])[a-z](?=[a-z])/g)];
  if (places.length === 0) return text;
  const at = random.pick(places).index;
  const [a, b] = [text[at]!, text[at + 1]!];
  return text.slice(0, at) + random.pick([`${b}${a}`, `${a}${a}${b}`, b, a]) + text.slice(at + 2);
}

/**
 * The request of `parts`. `open` says that it ends in a text whose punctuation belongs to it.
 * `lower` is the change of case that copied values also take, if any.
 */
export function untidy(
  parts: readonly Part[],
  open: boolean,
  random: Random,
): { readonly text: string; readonly lower?: (value: string) => string } {
  const mistakes = random.chance(0.2) ? (random.chance(0.3) ? 2 : 1) : 0;
  const plain = random.chance(0.5);
  let pieces = parts.map(({ text, copied }) => {
    if (copied) return text;
    return plain ? text.replaceAll("'", '') : text;
  });
  for (let left = mistakes; left > 0; left--) {
    const words = parts.flatMap(({ text, copied }, index) => (!copied && /[a-z]{3}/.test(text) ? [index] : []));
    if (words.length === 0) break;
    const at = random.pick(words);
    pieces = pieces.map((piece, index) => (index === at ? mistyped(piece, random) : piece));
  }
  let text = pieces.join('');
  if (random.chance(0.3))
    text = random.pick(VERBS.test(parts[0]?.text ?? '') ? [...ANYWHERE, ...BEFORE_VERBS] : ANYWHERE) + text;
  if (random.chance(open ? 0.1 : 0.25)) text += random.pick(open ? COURTESIES : CLOSERS);
  text = text.trim();
  if (random.chance(0.03)) return { text: text.toUpperCase(), lower: (value) => value.toUpperCase() };
  if (random.chance(0.5)) return { text: text.toLowerCase(), lower: (value) => value.toLowerCase() };
  // Only the first letter of the wording: the first word of a copied value stays as its answer has
  // it.
  if (random.chance(0.5) && parts[0]?.text !== '' && !parts[0]?.copied)
    text = text.charAt(0).toUpperCase() + text.slice(1);
  return { text };
}
