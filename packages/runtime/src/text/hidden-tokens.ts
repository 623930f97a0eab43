/**
 * Control tokens written in a message must stay text, or a user's message could end itself and begin
 * another role's. Before a chat template runs, a character that occurs in no message is put into
 * every token that a message contains; so the tokenizer finds only the template's own tokens, and
 * removes the character afterwards. A token of one character has no place inside: another unused
 * character stands for it.
 */
import { LamellaError } from '../lamella-error.ts';
import { literal } from './tokenizer/pattern.ts';

/** The form in which the tokenizer searches a text for its normalized tokens. */
export type Normalize = (text: string) => string;

export class HiddenTokens {
  /** The character inside hidden tokens. */
  readonly #mark: string;
  /** Tokens of one character, and the characters that stand for them. */
  readonly #standIns: ReadonlyMap<string, string>;

  /** `given` is the JSON of all texts of the conversation, `tokens` what may be hidden. L452. */
  constructor(given: string, tokens: readonly string[]) {
    const unused = unusedIn(given);
    const next = () => {
      const { value } = unused.next();
      if (value !== undefined) return value;
      throw new LamellaError('L452', { reason: 'they contain too many of the characters U+FDD0 to U+FDEF' });
    };
    this.#mark = next();
    const short = tokens.filter((token) => isOne(token) && given.includes(JSON.stringify(token).slice(1, -1)));
    this.#standIns = new Map(short.map((token) => [token, next()]));
  }

  /** The text with its hidden tokens as they were written. */
  show(text: string): string {
    let shown = text.replaceAll(this.#mark, '');
    for (const [token, standIn] of this.#standIns) shown = shown.replaceAll(standIn, token);
    return shown;
  }

  /**
   * A function that hides `tokens` in a text, also those that only the normalized text contains, by
   * their form there. L452 if the normalizer removes what hides them.
   */
  within(tokens: readonly string[], normalized: readonly string[], normalize: Normalize): (text: string) => string {
    if (tokens.length === 0) return (text) => text;
    const begins = new RegExp(`(?=${tokens.map(literal).join('|')}).`, 'gsu');
    const hide = (first: string) => this.#standIns.get(first) ?? first + this.#mark;
    const found = (text: string) => {
      if (normalized.length === 0) return undefined;
      const form = normalize(text);
      return normalized.find((token) => form.includes(token));
    };
    return (text) => {
      const hidden = text.replace(begins, hide);
      if (found(hidden) === undefined) return hidden;
      const apart = Array.from(text, hide).join('');
      const token = found(apart);
      if (token === undefined) return apart;
      throw new LamellaError('L452', { reason: `they contain ${JSON.stringify(token)}, a control token` });
    };
  }

  /** A function that keeps a text from being a part of a token together with its surroundings. */
  edges(tokens: readonly string[]): (text: string) => string {
    const [starts, ends] = [new Set<string>(), new Set<string>()];
    for (const token of tokens)
      for (let at = 1; at < token.length; at++) {
        ends.add(token.slice(0, at));
        starts.add(token.slice(at));
      }
    const rests = tokens.map((token) => token.slice(1)).join(this.#mark);
    const longest = Math.max(0, ...tokens.map((token) => token.length));
    const lengths = Array.from({ length: longest }, (_, i) => i + 1);
    return (text) => {
      if (text === '') return text;
      const isStart = rests.includes(text) || lengths.some((length) => starts.has(text.slice(0, length)));
      const isEnd = lengths.some((length) => ends.has(text.slice(-length)));
      return `${isStart ? this.#mark : ''}${text}${isEnd ? this.#mark : ''}`;
    };
  }
}

const isOne = (token: string) => Array.from(token).length === 1;

/** Characters that do not occur in `text`, of the 32 that Unicode assigns to no character. */
function* unusedIn(text: string): Generator<string, undefined> {
  for (let code = 0xfdd0; code <= 0xfdef; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) yield character;
  }
}
