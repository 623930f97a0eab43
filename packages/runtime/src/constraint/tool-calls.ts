/**
 * The grammar of tool calls: the marks of a family of chat templates around a JSON object with the
 * name of a tool and arguments that satisfy its schema.
 */
import type { Tool, ToolChoice } from '../api.ts';
import type { Grammar, Part } from './grammar.ts';
import type { JsonGrammar } from './json.ts';
import { schemaRule } from './json-schema.ts';
import type { Schema } from './merge.ts';
import { type CodePoints, codePoints, everyCodePoint, without } from './utf8.ts';

/** How a family of templates writes calls. */
export interface ToolMarks {
  /** Around each call: texts, or special tokens. Without `before`, the whole answer is one call. */
  readonly before: string;
  readonly after: string;
  /** The names of the two members of a call. */
  readonly members: { readonly name: string; readonly arguments: string };
}

/** An answer that calls tools. */
export interface ToolFormat {
  readonly type: 'tools';
  readonly tools: readonly Tool[];
  /**
   * `auto`: a text and any number of calls after it; `required`: calls only, at least one; a tool:
   * one call of it.
   */
  readonly choice: Exclude<ToolChoice, 'none'>;
  readonly marks: ToolMarks;
}

const blanks = codePoints([
  [10, 10],
  [32, 32],
]);
const anyNumber = [0, Number.POSITIVE_INFINITY] as const;

/**
 * `special` has the ids of special tokens by their text. L460 for a schema that is not supported.
 */
export function toolPart(
  grammar: Grammar,
  json: JsonGrammar,
  { tools, choice, marks }: ToolFormat,
  special: ReadonlyMap<string, number>,
): Part {
  const { before, after, members } = marks;
  const mark = (text: string): Part => {
    const id = special.get(text);
    return id === undefined ? grammar.literal(text) : grammar.special(id);
  };
  const blank = grammar.repeat(grammar.character(blanks), 0, 1);
  const called = tools.filter((tool) => typeof choice === 'string' || tool.function.name === choice.function.name);
  const call = grammar.rule();
  const bodies = called.map(({ function: { name, parameters = { type: 'object', properties: {} } } }) =>
    grammar.sequence(
      ...[grammar.literal('{'), json.literal(members.name), json.colon, json.literal(name), json.comma],
      ...[json.literal(members.arguments), json.colon],
      grammar.call(schemaRule(grammar, json, parameters as Schema)),
      grammar.literal('}'),
    ),
  );
  call.build(grammar.sequence(mark(before), blank, grammar.either(...bodies), blank, mark(after)));
  const one = grammar.call(call);
  if (typeof choice === 'object') return one;
  if (before === '') return choice === 'required' ? one : grammar.either(one, textWithoutObject(grammar));
  const calls = grammar.sequence(one, grammar.repeat(grammar.sequence(blank, one), ...anyNumber));
  if (choice === 'required') return calls;
  const text = special.has(before) ? anyText(grammar) : textWithout(grammar, before);
  return grammar.sequence(text, grammar.optional(calls));
}

const anyText = (grammar: Grammar): Part => grammar.repeat(grammar.character(everyCodePoint), ...anyNumber);

const setOf = (characters: readonly string[]): CodePoints =>
  codePoints(characters.map((c) => [c.codePointAt(0)!, c.codePointAt(0)!]));

/** Texts that do not begin with an object or a list. */
function textWithoutObject(grammar: Grammar): Part {
  const first = grammar.character(without(setOf(['{', '[', ' ', '\n'])));
  const spaces = grammar.repeat(grammar.character(blanks), ...anyNumber);
  return grammar.optional(grammar.sequence(spaces, first, anyText(grammar)));
}

/**
 * Texts that do not contain `mark`: a state per beginning of the mark that the text ends with
 * (Knuth, Morris and Pratt, "Fast pattern matching in strings", 1977).
 */
function textWithout(grammar: Grammar, mark: string): Part {
  const characters = [...mark];
  const known = [...new Set(characters)];
  const others = without(setOf(known));
  return (from) => {
    const to = grammar.state();
    const states = characters.map(() => grammar.state());
    grammar.join(from, states[0]!);
    states.forEach((state, matched) => {
      grammar.join(state, to);
      grammar.join(grammar.character(others)(state), states[0]!);
      for (const character of known) {
        const text = [...characters.slice(0, matched), character].join('');
        const after = characters.findLastIndex((_, length) => text.endsWith(characters.slice(0, length).join('')));
        const isMark = text === mark;
        if (!isMark) grammar.join(grammar.literal(character)(state), states[after]!);
      }
    });
    return to;
  };
}
