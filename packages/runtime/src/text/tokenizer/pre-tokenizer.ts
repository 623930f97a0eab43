/**
 * Cuts a normalized text into words, which the model encodes one by one: the `pre_tokenizer` of
 * `tokenizer.json`.
 */
import { byteCharacters } from './byte-level.ts';
import { allow, choice, flag, type Makers, make, makeAll, membersOf, type Part, refuse, string } from './part.ts';
import { literal, patternOf } from './pattern.ts';

/** A word, or a text still to be cut into words. */
export interface Word {
  readonly text: string;
  /** Whether it begins at the start of the whole text. */
  readonly first: boolean;
}

/** Produces words on demand, so that a long text is not cut all at once. */
export type PreTokenizer = (words: Iterable<Word>) => Iterable<Word>;

/** A pre-tokenizer that turns each word into one word. */
const each = (change: (word: Word) => Word): PreTokenizer =>
  function* (words) {
    for (const word of words) yield change(word);
  };

const behaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
type Behavior = (typeof behaviors)[number];

/** GPT-2's words. */
const gpt2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
/** Rust's \w. */
const letters = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';

/**
 * Punctuation: Unicode's, and all ASCII characters that are not letters, digits, spaces or control
 * characters.
 */
const punctuation = /[\p{P}!-/:-@[-`{-~]/gu;

const makers: Makers<PreTokenizer> = {
  Sequence: (part, depth) => {
    const all = makeAll(part, 'pretokenizers', makers, depth);
    return (words) => all.reduce((before, cut) => cut(before), words);
  },
  Split: (part) => {
    allow(part, 'pattern', 'behavior', 'invert');
    const behavior = choice(part, 'behavior', behaviors);
    return cutAt(patternOf(part), behavior, flag(part, 'invert', false));
  },
  ByteLevel: (part) => {
    allow(part, 'add_prefix_space', 'trim_offsets', 'use_regex');
    const cut: PreTokenizer = flag(part, 'use_regex', true) ? cutAt(gpt2, 'Isolated', false) : (words) => words;
    const spaced = flag(part, 'add_prefix_space', true);
    const spacing = each((word) => (spaced ? begin(word, ' ', word.text) : word));
    const writing = each(({ text, first }) => ({ text: byteCharacters(text), first }));
    return (words) => writing(cut(spacing(words)));
  },
  Metaspace: (part) => {
    allow(part, 'replacement', 'prepend_scheme', 'split', 'add_prefix_space', 'str_rep');
    const { replacement, scheme } = metaspaceOf(part);
    const cut: PreTokenizer = flag(part, 'split', true)
      ? cutAt(new RegExp(literal(replacement), 'gu'), 'MergedWithNext', false)
      : (words) => words;
    const marking = each((word) => {
      const text = word.text.replaceAll(' ', () => replacement);
      const prefixed = scheme === 'always' || (scheme === 'first' && word.first);
      return prefixed ? begin(word, replacement, text) : { ...word, text };
    });
    return (words) => cut(marking(words));
  },
  Digits: (part) => {
    allow(part, 'individual_digits');
    return cutAt(/\p{N}/gu, flag(part, 'individual_digits', false) ? 'Isolated' : 'Contiguous', false);
  },
  Punctuation: (part) => {
    allow(part, 'behavior');
    return cutAt(punctuation, choice(part, 'behavior', behaviors, 'Isolated'), false);
  },
  Whitespace: (part) => {
    allow(part);
    return cutAt(new RegExp(`[${letters}]+|[^${letters}\\p{White_Space}]+`, 'gu'), 'Removed', true);
  },
  WhitespaceSplit: (part) => {
    allow(part);
    return cutAt(/\p{White_Space}/gu, 'Removed', false);
  },
};

/** The pre-tokenizer under `pre_tokenizer`; null leaves the text whole. */
export function preTokenizerOf(value: unknown): PreTokenizer {
  return value === null || value === undefined ? (words) => words : make(value, 'pre_tokenizer', makers);
}

/**
 * Whether the pre-tokenizer under `value`, already checked, treats the start of the text
 * differently from other words.
 */
export function marksStart(value: unknown): boolean {
  return membersOf(value, 'pretokenizers').some((part) => part.prepend_scheme === 'first');
}

/**
 * The keys that a Metaspace pre-tokenizer and a Metaspace decoder share. Older files have
 * `add_prefix_space` instead of the scheme.
 */
export function metaspaceOf(part: Part): { replacement: string; scheme: 'always' | 'first' | 'never' } {
  const replacement = string(part, 'replacement', '▁');
  if (Array.from(replacement).length !== 1) refuse(part.at, 'replacement is not one character');
  if (string(part, 'str_rep', replacement) !== replacement) refuse(part.at, 'str_rep is not the replacement');
  const prefixes = flag(part, 'add_prefix_space', true);
  const scheme = choice(part, 'prepend_scheme', ['always', 'first', 'never'], prefixes ? 'always' : 'never');
  if (part.json.add_prefix_space === false && scheme !== 'never') {
    refuse(part.at, `add_prefix_space is false and prepend_scheme ${scheme}`);
  }
  return { replacement, scheme };
}

function begin(word: Word, prefix: string, text: string): Word {
  return { first: word.first, text: text.startsWith(prefix) ? text : prefix + text };
}

/** Cuts at the matches of `pattern` or, if inverted, at the texts between them. */
function cutAt(pattern: RegExp, behavior: Behavior, invert: boolean): PreTokenizer {
  return function* (words) {
    for (const { text, first } of words) {
      for (const { start, end } of join(matchesIn(text, pattern, invert), behavior)) {
        if (start < end) yield { text: text.slice(start, end), first: first && start === 0 };
      }
    }
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly match: boolean;
}

/** The whole text as matches and the texts between them. */
function* matchesIn(text: string, pattern: RegExp, invert: boolean): Generator<Span> {
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    if (end < found.index) yield { start: end, end: found.index, match: invert };
    end = found.index + found[0].length;
    yield { start: found.index, end, match: !invert };
  }
  if (end < text.length) yield { start: end, end: text.length, match: invert };
}

/** Joins spans by the behavior. */
function join(spans: Iterable<Span>, behavior: Behavior): Iterable<Span> {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return unmatched(spans);
    case 'Contiguous':
      return joined(spans, (before, span) => before.match === span.match);
    case 'MergedWithPrevious':
      return joined(spans, (before, span) => span.match && !before.match);
    case 'MergedWithNext':
      return joined(spans, (before, span) => before.match && !span.match);
  }
}

function* unmatched(spans: Iterable<Span>): Generator<Span> {
  for (const span of spans) if (!span.match) yield span;
}

/** Joins each span to the one before it if `together` is true for the two original spans. */
function* joined(spans: Iterable<Span>, together: (before: Span, span: Span) => boolean): Generator<Span> {
  let start = 0;
  let before: Span | null = null;
  for (const span of spans) {
    if (before && !together(before, span)) {
      yield { ...before, start };
      start = span.start;
    }
    before = span;
  }
  if (before) yield { ...before, start };
}
