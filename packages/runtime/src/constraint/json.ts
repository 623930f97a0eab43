/**
 * The texts of JSON as parts of a grammar. Whitespace is at most one space after a comma and a
 * colon: enough for the styles of JavaScript and Python, and a model cannot spend its tokens on
 * empty lines. Strings have no lone halves of surrogate pairs.
 */
import type { Grammar, Part, Rule } from './grammar.ts';
import { anyNumber } from './numbers.ts';
import { type CodePoints, codePoints, common, without } from './utf8.ts';

const escaped = codePoints([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const plain = without(escaped);
const hex = codePoints([
  [48, 57],
  [65, 70],
  [97, 102],
]);
const oneOf = (characters: string): CodePoints =>
  codePoints([...characters].map((c): [number, number] => [c.codePointAt(0)!, c.codePointAt(0)!]));

export class JsonGrammar {
  readonly grammar: Grammar;
  /** Any string, number, and value. */
  readonly string: Rule;
  readonly number: Rule;
  readonly value: Rule;
  /** Any object, and any array. */
  readonly object: Rule;
  readonly array: Rule;
  readonly comma: Part;
  readonly colon: Part;
  /** A character of any string, however it is escaped. */
  readonly #anyCharacter: Rule;

  constructor(grammar: Grammar) {
    this.grammar = grammar;
    const space = grammar.optional(grammar.literal(' '));
    this.comma = grammar.sequence(grammar.literal(','), space);
    this.colon = grammar.sequence(grammar.literal(':'), space);
    const rules = Array.from({ length: 6 }, () => grammar.rule());
    const [character, string, number, value, object, array] = rules as [Built, Built, Built, Built, Built, Built];
    this.#anyCharacter = character;
    [this.string, this.number, this.value, this.object, this.array] = [string, number, value, object, array];
    character.build(this.#escapedAnyhow());
    string.build(this.quoted(grammar.repeat(this.#escapedAnyhow(), 0, Number.POSITIVE_INFINITY)));
    number.build(anyNumber(grammar));
    const literals = ['true', 'false', 'null'].map((text) => grammar.literal(text));
    value.build(grammar.either(...[object, array, string, number].map((rule) => grammar.call(rule)), ...literals));
    const pair = grammar.sequence(grammar.call(string), this.colon, grammar.call(value));
    object.build(this.#list('{', pair, '}'));
    array.build(this.#list('[', grammar.call(value), ']'));
  }

  /** A value, written as `JSON.stringify` does. */
  literal(value: unknown): Part {
    return this.grammar.literal(JSON.stringify(value));
  }

  quoted(part: Part): Part {
    return this.grammar.sequence(this.grammar.literal('"'), part, this.grammar.literal('"'));
  }

  /** A character of a set within a string, escaped only where it must be, in the shortest way. */
  character(set: CodePoints): Part {
    const inSet = (code: number) => set.some(([first, last]) => first <= code && code <= last);
    const must = escaped.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    const direct = common(set, plain);
    return this.grammar.either(
      ...(direct.length > 0 ? [this.grammar.character(direct)] : []),
      ...must.filter(inSet).map((code) => this.grammar.literal(JSON.stringify(String.fromCharCode(code)).slice(1, -1))),
    );
  }

  /** Any string of `least` to `most` characters. */
  stringOfLength(least: number, most: number): Part {
    return this.quoted(this.grammar.repeat(this.grammar.call(this.#anyCharacter), least, most));
  }

  /** The text of a key that is none of `names`, without characters that need an escape. */
  keyOtherThan(names: readonly string[]): Part {
    const { grammar } = this;
    const any = grammar.repeat(grammar.character(plain), 0, Number.POSITIVE_INFINITY);
    const rest = (texts: readonly string[][]): Part => {
      if (texts.length === 0) return any;
      const firsts = new Map<string, string[][]>();
      for (const [first, ...others] of texts)
        if (first !== undefined) firsts.set(first, [...(firsts.get(first) ?? []), others]);
      const other = common(plain, without(oneOf([...firsts.keys()].join(''))));
      return grammar.either(
        ...(texts.some((text) => text.length === 0) ? [] : [(from: number) => from]),
        ...[...firsts].map(([first, others]) => grammar.sequence(this.character(oneOf(first)), rest(others))),
        grammar.sequence(grammar.character(other), any),
      );
    };
    return this.quoted(rest(names.map((name) => [...name])));
  }

  #escapedAnyhow(): Part {
    const { grammar } = this;
    const digit = grammar.character(hex);
    const unit = (first: string, second: string) =>
      grammar.sequence(grammar.character(oneOf(first)), grammar.character(oneOf(second)), digit, digit);
    const every = '0123456789abcdefABCDEF';
    return grammar.either(
      grammar.character(plain),
      grammar.sequence(grammar.literal('\\'), grammar.character(oneOf('"\\/bfnrt'))),
      grammar.sequence(
        grammar.literal('\\u'),
        grammar.either(
          unit(every.replace(/d/gi, ''), every),
          unit('dD', '01234567'),
          grammar.sequence(unit('dD', '89abAB'), grammar.literal('\\u'), unit('dD', 'cdefCDEF')),
        ),
      ),
    );
  }

  #list(open: string, item: Part, close: string): Part {
    const { grammar } = this;
    const more = grammar.repeat(grammar.sequence(this.comma, item), 0, Number.POSITIVE_INFINITY);
    return grammar.sequence(
      grammar.literal(open),
      grammar.optional(grammar.sequence(item, more)),
      grammar.literal(close),
    );
  }
}

type Built = ReturnType<Grammar['rule']>;
