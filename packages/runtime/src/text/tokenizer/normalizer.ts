/** Normalizes a text before it is cut: the `normalizer` of `tokenizer.json`. */
import { byteCharacters } from './byte-level.ts';
import { allow, flag, type Json, type Makers, make, makeAll, membersOf, string } from './part.ts';
import { patternOf } from './pattern.ts';

export type Normalizer = (text: string) => string;

const form =
  (name: 'NFC' | 'NFD' | 'NFKC' | 'NFKD') =>
  (part: Parameters<typeof allow>[0]): Normalizer => {
    allow(part);
    return (text) => text.normalize(name);
  };

const makers: Makers<Normalizer> = {
  Sequence: (part, depth) => {
    const all = makeAll(part, 'normalizers', makers, depth);
    return (text) => all.reduce((before, normalize) => normalize(before), text);
  },
  NFC: form('NFC'),
  NFD: form('NFD'),
  NFKC: form('NFKC'),
  NFKD: form('NFKD'),
  Lowercase: (part) => {
    allow(part);
    // Character by character: in a whole word JavaScript writes a final sigma differently.
    return (text) => Array.from(text, (character) => character.toLowerCase()).join('');
  },
  Strip: (part) => {
    allow(part, 'strip_left', 'strip_right');
    const [left, right] = [flag(part, 'strip_left', true), flag(part, 'strip_right', true)];
    return (text) => {
      const from = left ? text.search(/\P{White_Space}/u) : 0;
      const stripped = from < 0 ? '' : text.slice(from);
      return right ? stripped.replace(/(?<!\p{White_Space})\p{White_Space}+$/u, '') : stripped;
    };
  },
  StripAccents: (part) => {
    allow(part);
    return (text) => text.replace(/\p{M}/gu, '');
  },
  Replace: (part) => {
    allow(part, 'pattern', 'content');
    const [pattern, content] = [patternOf(part), string(part, 'content')];
    return (text) => text.replace(pattern, () => content);
  },
  Prepend: (part) => {
    allow(part, 'prepend');
    const prefix = string(part, 'prepend');
    return (text) => (text === '' ? text : prefix + text);
  },
  ByteLevel: (part) => {
    allow(part);
    return byteCharacters;
  },
};

/** The normalizer under `normalizer`; null leaves the text unchanged. */
export function normalizerOf(value: unknown): Normalizer {
  return value === null || value === undefined ? (text) => text : make(value, 'normalizer', makers);
}

/** Whether the normalized text may begin with another character than the first one of the text. */
export function mayDropStart(value: unknown): boolean {
  return membersOf(value, 'normalizers').some(
    (part) =>
      part.type === 'StripAccents' ||
      (part.type === 'Strip' && part.strip_left !== false) ||
      (part.type === 'Replace' && !replacesOne(part)),
  );
}

/** Whether a Replace, already checked, replaces one character by at least one. */
function replacesOne({ pattern, content }: Json): boolean {
  const found = (pattern as Json).String;
  return typeof found === 'string' && Array.from(found).length === 1 && content !== '';
}
