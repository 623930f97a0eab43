/**
 * Finds added tokens in the text before any merging. Of several that begin at one place the longest
 * counts. A token may be limited to separate words, or include the white space around it.
 */
import { allow, flag, isId, maxId, type Part, partOf, refuse, string, whole } from './part.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** A control token, never found in text: it is added by id. */
  readonly special: boolean;
  /** Searched in the normalized text, in its own normalized form. */
  readonly normalized: boolean;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

const maxContent = 4096;
const maxTokens = 2 ** 17;

/**
 * The list under `added_tokens`. A token that is in the vocabulary has its id from there. Hugging
 * Face's library numbers the others from the vocabulary's size on, in the order of the list, and
 * ignores the ids in the file; a file with different ids is refused.
 */
export function addedTokensOf(value: unknown, vocabulary: Vocabulary): AddedToken[] {
  const at = 'added_tokens';
  if (!Array.isArray(value)) return refuse(at, 'it is not a list');
  if (value.length > maxTokens) refuse(at, `it has more than ${maxTokens} entries`);
  const seen = new Set<string>();
  let next = vocabulary.count;
  return value.map((entry, i) => {
    const part = partOf(entry, `${at}[${i}]`);
    const token = addedTokenOf(part);
    if (seen.has(token.content)) refuse(part.at, `${JSON.stringify(token.content)} is there twice`);
    seen.add(token.content);
    const known = vocabulary.idOf(token.content);
    if (known !== undefined) return { ...token, id: known };
    if (token.id !== next) refuse(part.at, `its id is ${token.id}, and the next one after the vocabulary is ${next}`);
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

/** A part of a text: one token, or the text between tokens with its start. */
export type Section = { readonly id: number } | { readonly text: string; readonly start: number };

export class AddedTokenFinder {
  readonly #root: Node = { next: new Map(), token: null };

  /** `written` converts a token's content to its form in the searched texts. */
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
      // Of two tokens with the same form, the first counts.
      if (node !== this.#root) node.token ??= token;
    }
  }

  /** Cuts the text into tokens and the texts between them. */
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

/** Whether a word character lies just before (-1) or after (1) the place `at`. */
function isWord(text: string, at: number, side: -1 | 1): boolean {
  const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
  const character = side === 1 ? text.slice(at, at + 2) : text.slice(Math.max(0, at - 2), at);
  const [one] = side === 1 ? Array.from(character) : Array.from(character).toReversed();
  return one !== undefined && word.test(one);
}

function isSpace(text: string, at: number): boolean {
  return /\p{White_Space}/u.test(text[at]!);
}
