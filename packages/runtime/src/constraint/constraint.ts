/**
 * What an answer must look like, for the tokens of one tokenizer. A `Constrainer` keeps the trie of
 * a tokenizer and the grammars used last; a `Constraint` follows one answer.
 *
 * Behind every token, the tokens left must suffice for the way to the end (`way-out.ts`). So an
 * answer is complete whenever its tokens suffice for the way from its beginning.
 */

import type { ResponseFormat } from '../api.ts';
import { LamellaError } from '../lamella-error.ts';
import { Automaton, type Position } from './automaton.ts';
import { Grammar, type Rule, TooLarge } from './grammar.ts';
import { JsonGrammar } from './json.ts';
import { patternRule, schemaRule } from './json-schema.ts';
import { TokenMask } from './mask.ts';
import type { Schema } from './merge.ts';
import { type BytesOf, TokenTrie } from './token-trie.ts';
import { type ToolFormat, toolPart } from './tool-calls.ts';
import { WayOut } from './way-out.ts';

/** A format that constrains an answer. */
export type ConstrainingFormat = Exclude<ResponseFormat, { type: 'text' }> | ToolFormat;

/** Of a tokenizer: all that a constraint uses. */
export interface TokenTexts {
  readonly vocab: number;
  readonly bytesOf: BytesOf;
  /** The ids of special tokens by their text. */
  readonly special: ReadonlyMap<string, number>;
  /** The ids of a text as the tokenizer cuts it. */
  encode(text: string): readonly number[];
}

/** Grammars kept for the next calls. */
const MOST_KEPT = 8;
/** Bytes of forced text that are looked ahead. */
const LONGEST_FORCED = 400;

const encoder = new TextEncoder();
const utf8 = new TextDecoder();

interface Compiled {
  readonly automaton: Automaton;
  readonly mask: TokenMask;
  readonly wayOut: WayOut;
  readonly start: Position;
}

export class Constrainer {
  readonly #texts: TokenTexts;
  readonly #trie: TokenTrie;
  readonly #compiled = new Map<string, Compiled>();

  constructor(texts: TokenTexts) {
    this.#texts = texts;
    this.#trie = new TokenTrie(texts.vocab, texts.bytesOf);
  }

  /**
   * A constraint for one answer, which ends with one of `eos`. L460 if the format is wrong, not
   * supported, or nothing satisfies it.
   */
  constraint(format: ConstrainingFormat, eos: readonly number[]): Constraint {
    const [key, compiled] = this.#known(format);
    this.#compiled.delete(key);
    this.#compiled.set(key, compiled);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > MOST_KEPT) this.#compiled.delete(oldest!);
    return new Constraint(compiled, this.#trie, this.#texts, eos);
  }

  /** The grammar of a format, and the format as text. */
  #known(format: ConstrainingFormat): [string, Compiled] {
    try {
      const key = JSON.stringify(format);
      return [key, this.#compiled.get(key) ?? this.#compile(format)];
    } catch (cause) {
      // the engine's own limit of nested calls
      if (!(cause instanceof RangeError)) throw cause;
      const remedy = 'fewer levels, or a $ref from a level to itself';
      throw new LamellaError('L460', { at: 'responseFormat', reason: 'it has too many levels', remedy });
    }
  }

  #compile(format: ConstrainingFormat): Compiled {
    const at = 'responseFormat';
    const grammar = new Grammar();
    try {
      const rule = this.#ruleFor(grammar, format);
      const automaton = new Automaton(grammar, this.#trie.alone);
      const start = automaton.start(rule);
      if (start)
        return {
          automaton,
          mask: new TokenMask(this.#trie, automaton),
          wayOut: new WayOut(automaton, this.#trie),
          start,
        };
    } catch (cause) {
      if (cause instanceof TooLarge)
        throw new LamellaError('L460', {
          at,
          reason: 'its grammar is too large',
          remedy: 'smaller counts and fewer values',
        });
      throw cause;
    }
    const reason = 'no text that this tokenizer can write satisfies it';
    throw new LamellaError('L460', { at, reason, remedy: 'a schema that some value satisfies' });
  }

  #ruleFor(grammar: Grammar, format: ConstrainingFormat): Rule {
    if (format.type === 'regex') return patternRule(grammar, format.pattern);
    const json = new JsonGrammar(grammar);
    const rule = grammar.rule();
    if (format.type === 'tools') rule.build(toolPart(grammar, json, format, this.#texts.special));
    else {
      const value = format.type === 'json' ? json.object : schemaRule(grammar, json, format.schema as Schema);
      // Many tokenizers begin every word, and so every answer, with a space.
      rule.build(grammar.sequence(grammar.optional(grammar.literal(' ')), grammar.call(value)));
    }
    return rule;
  }
}

/** The constraint of one answer. `left` is the number of tokens that may follow a token. */
export class Constraint {
  readonly #automaton: Automaton;
  readonly #mask: TokenMask;
  readonly #wayOut: WayOut;
  readonly #trie: TokenTrie;
  readonly #texts: TokenTexts;
  readonly #eos: readonly number[];
  #position: Position;
  /** Whether tokens were chosen to end the answer early, because too few were left. */
  wasShortened = false;

  constructor(
    { automaton, mask, wayOut, start }: Compiled,
    trie: TokenTrie,
    texts: TokenTexts,
    eos: readonly number[],
  ) {
    this.#automaton = automaton;
    this.#mask = mask;
    this.#wayOut = wayOut;
    this.#trie = trie;
    this.#texts = texts;
    this.#eos = eos;
    this.#position = start;
  }

  /** Whether the answer can only end here. */
  get isOver(): boolean {
    const { complete, reached } = this.#position;
    return complete && reached.every(({ state }) => state.next.length === 0);
  }

  /** The answer begins with this text. L460 if no answer does. */
  begin(text: string): void {
    for (const byte of encoder.encode(text)) {
      const next = this.#automaton.step(this.#position, byte);
      if (!next) {
        const reason = `no answer begins with ${JSON.stringify(text)}`;
        throw new LamellaError('L460', { at: 'prefix', reason, remedy: 'a prefix that the format allows, or none' });
      }
      this.#position = next;
    }
  }

  /** Whether `token` may follow. */
  allows(token: number, left: number): boolean {
    if (this.#eos.includes(token)) return this.#position.complete;
    return this.#after(token) !== null && this.fits(token, left);
  }

  /**
   * Whether the answer can end after `token`, which may follow; true if it cannot end in any case.
   */
  fits(token: number, left: number): boolean {
    return this.#eos.includes(token) || this.#fitsAfter(this.#after(token)!, left);
  }

  /** Whether the answer can end from `next` on; true if it cannot end in any case. */
  #fitsAfter(next: Position, left: number): boolean {
    const most = left - this.#end;
    return this.#wayOut.fits(next, most) || !this.#wayOut.fits(this.#position, most + 1);
  }

  /** Bits of the tokens that may follow. The next call overwrites them. */
  allowed(): Uint32Array {
    return this.#withEnd(this.#mask.at(this.#position));
  }

  /** Bits of those that fit. */
  fitting(left: number): Uint32Array {
    this.wasShortened = true;
    return this.#withEnd(this.#mask.within(this.#position, (next) => this.#fitsAfter(next, left)));
  }

  /** Appends a token that may follow. */
  accept(token: number): void {
    if (!this.#eos.includes(token)) this.#position = this.#after(token)!;
  }

  /**
   * The tokens that must follow: the text that must follow, as the tokenizer cuts it, without its
   * last token, because a longer one may begin there; or the only token that may follow. None if
   * `left` tokens would not suffice for the end behind them.
   */
  forced(left: number): readonly number[] {
    if (this.isOver) return this.#eos.slice(0, 1);
    const bytes: number[] = [];
    let position = this.#position;
    let byte = this.#automaton.onlyByte(position);
    for (; byte !== null && bytes.length < LONGEST_FORCED; byte = this.#automaton.onlyByte(position)) {
      bytes.push(byte);
      position = this.#automaton.step(position, byte)!;
    }
    if (bytes.length === 0) return [];
    const cut = this.#idsOf(Uint8Array.from(bytes)).slice(0, -1);
    const ids = cut.length > 0 ? cut : this.#onlyToken();
    const next = ids.reduce<Position>((from, id) => this.#afterFrom(from, id)!, this.#position);
    const most = left - this.#end;
    const fits = this.#wayOut.fits(next, most - ids.length) || !this.#wayOut.fits(this.#position, most);
    return fits ? ids : [];
  }

  /** Tokens that the end of an answer takes. */
  get #end(): number {
    return this.#eos.length > 0 ? 1 : 0;
  }

  /** The position after a token; null if it may not follow. */
  #after(token: number): Position | null {
    return this.#afterFrom(this.#position, token);
  }

  #afterFrom(from: Position, token: number): Position | null {
    let position: Position | null = from;
    const bytes = this.#trie.bytesOf(token);
    if (bytes.length === 0) return null;
    for (let i = 0; i < bytes.length && position; i++) position = this.#automaton.step(position, bytes[i]!);
    return position;
  }

  #withEnd(bits: Uint32Array): Uint32Array {
    for (const id of this.#eos) {
      if (this.#position.complete) bits[id >> 5]! |= 1 << (id & 31);
      else bits[id >> 5]! &= ~(1 << (id & 31));
    }
    return bits;
  }

  /**
   * The ids of a text that continues a text. A line break before it keeps the tokenizer from
   * treating it as the beginning. Empty if its tokens do not begin where the text begins.
   */
  #idsOf(text: Uint8Array): readonly number[] {
    const ids = this.#texts.encode(`\n${utf8.decode(text)}`);
    let bytes = 0;
    for (let at = ids.length; at > 0; at--) {
      const own = this.#trie.bytesOf(ids[at - 1]!);
      bytes += own.length;
      const start = text.length - bytes;
      if (start < 0 || own.some((byte, i) => byte !== text[start + i])) return [];
      if (start === 0) return ids.slice(at - 1);
    }
    return [];
  }

  /** The only token that may follow; empty if there are several. */
  #onlyToken(): readonly number[] {
    const bits = this.allowed();
    const word = bits.findIndex((word) => word !== 0);
    if (word < 0 || (bits[word]! & (bits[word]! - 1)) !== 0 || bits.some((other, i) => i > word && other !== 0))
      return [];
    return [32 * word + 31 - Math.clz32(bits[word]!)];
  }
}
