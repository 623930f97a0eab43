/**
 * Tokens that are found in the text as they are, before anything is merged. Of several that begin at one place the longest is meant; a
 * token may ask to stand as a word of its own, or take the white space around it along.
 */
import { allow, flag, isId, maxId, type Part, partOf, refuse, string, whole } from './part.ts';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Steers the model, and is never found in text: it is put in by id. */
  readonly special: boolean;
  /** Looked for in the normalized text, and normalized itself. */
  readonly normalized: boolean;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

const maxContent = 4096;
const maxTokens = 2 ** 17;

/**
 * The list under `added_tokens`. A text of the vocabulary has its id from there. Hugging Face's library counts the others on from the
 * vocabulary's size, in the order of the list, whatever ids the file gives them; a file that gives them others is refused.
 */
export function addedTokensOf(value: unknown, vocabulary: ReadonlyMap<string, number>): AddedToken[] {
  const at = 'added_tokens';
  if (!Array.isArray(value)) return refuse(at, 'it is not a list');
  if (value.length > maxTokens) refuse(at, `it has more than ${maxTokens} entries`);
  const seen = new Set<string>();
  let next = vocabulary.size;
  return value.map((entry, i) => {
    const part = partOf(entry, `${at}[${i}]`);
    const token = addedTokenOf(part);
    if (seen.has(token.content)) refuse(part.at, `${JSON.stringify(token.content)} is there already`);
    seen.add(token.content);
    const known = vocabulary.get(token.content);
    if (known !== undefined) return { ...token, id: known };
    if (token.id !== next) refuse(part.at, `its id is ${token.id}, and the next one behind the vocabulary is ${next}`);
    next++;
    return token;
  });
}

function addedTokenOf(part: Part): AddedToken {
  allow(part, 'id', 'content', 'special', 'normalized', 'single_word', 'lstrip', 'rstrip');
  const content = string(part, 'content');
  if (content === '') refuse(part.at, 'its content is empty');
  if (content.length > maxContent) refuse(part.at, `its content is longer than ${maxContent} characters`);
  if (!isId(part.json.id)) refuse(part.at, `its id is not a whole number below ${maxId}`);
  const special = flag(part, 'special', false);
  return {
    id: whole(part, 'id'),
    content,
    special,
    normalized: flag(part, 'normalized', !special),
    singleWord: flag(part, 'single_word', false),
    lstrip: flag(part, 'lstrip', false),
    rstrip: flag(part, 'rstrip', false),
  };
}

interface Node {
  readonly next: Map<string, Node>;
  token: AddedToken | null;
}

/** A part of a text: one token, or text between tokens with the place where it begins. */
export type Section = { readonly id: number } | { readonly text: string; readonly start: number };

export class AddedTokenFinder {
  readonly #root: Node = { next: new Map(), token: null };

  /** `written` says how a token's content looks in the texts that will be searched. */
  constructor(tokens: readonly AddedToken[], written: (content: string) => string) {
    for (const token of tokens) {
      let node = this.#root;
      for (const character of written(token.content).split('')) {
        let next = node.next.get(character);
        if (!next) {
          next = { next: new Map(), token: null };
          node.next.set(character, next);
        }
        node = next;
      }
      // Of two that are written alike the first is meant.
      if (node !== this.#root) node.token ??= token;
    }
  }

  /** The text cut into tokens and what is between them. */
  split(text: string): Section[] {
    if (this.#root.next.size === 0) return text === '' ? [] : [{ text, start: 0 }];
    const sections: Section[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = this.#longestAt(text, at);
      if (!found) {
        at++;
        continue;
      }
      const { token } = found;
      let [start, end] = [at, found.end];
      at = end;
      if (token.singleWord && (isWord(text, start, -1) || isWord(text, end, 1))) continue;
      if (token.lstrip) while (start > done && isSpace(text, start - 1)) start--;
      if (token.rstrip) while (end < text.length && isSpace(text, end)) end++;
      if (done < start) sections.push({ text: text.slice(done, start), start: done });
      sections.push({ id: token.id });
      done = end;
      at = Math.max(at, end);
    }
    if (done < text.length) sections.push({ text: text.slice(done), start: done });
    return sections;
  }

  #longestAt(text: string, start: number): { readonly token: AddedToken; readonly end: number } | null {
    let longest = null;
    let node = this.#root.next.get(text[start]!);
    for (let end = start + 1; node; end++) {
      if (node.token) longest = { token: node.token, end };
      node = end < text.length ? node.next.get(text[end]!) : undefined;
    }
    return longest;
  }
}

/** Whether a word touches the place `at`, before (-1) or behind (1) it. */
function isWord(text: string, at: number, side: -1 | 1): boolean {
  const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
  const character = side === 1 ? text.slice(at, at + 2) : text.slice(Math.max(0, at - 2), at);
  const [one] = side === 1 ? Array.from(character) : Array.from(character).toReversed();
  return one !== undefined && word.test(one);
}

function isSpace(text: string, at: number): boolean {
  return /\p{White_Space}/u.test(text[at]!);
}
