/**
 * The grammar of tool calls: the marks of a template's family around the JSON of a call, whose
 * arguments satisfy the schema of their tool.
 */
import type { Grammar, Part } from './grammar.ts';
import type { JsonGrammar } from './json.ts';
import { schemaRule } from './json-schema.ts';
import type { Schema } from './merge.ts';
import { codePoints, everyCodePoint, without } from './utf8.ts';

/** A mark in an answer: a text, or the id of a special token. */
export type Mark = string | number;

/** How a family of templates writes calls. */
export interface ToolMarks {
  /** Before and after each call; an empty text for none. */
  readonly before: Mark;
  readonly after: Mark;
  /** The names of the two members of a call. */
  readonly name: string;
  readonly arguments: string;
}

/** A function that the model may call, in the shape of OpenAI's tools. */
interface Tool {
  readonly function: { readonly name: string; readonly parameters?: object | undefined };
}

/** An answer that calls tools. */
export interface ToolFormat {
  readonly type: 'tools';
  readonly tools: readonly Tool[];
  readonly choice: 'auto' | 'required' | { readonly function: { readonly name: string } };
  readonly marks: ToolMarks;
}

/**
 * `auto`: a text without the mark before a call, then any number of calls; `required`: at least one
 * call; a named tool: one call of it. L460 for a schema that is not supported.
 */
export function toolPart(grammar: Grammar, json: JsonGrammar, { tools, choice, marks }: ToolFormat): Part {
  const mark = (mark: Mark) => (typeof mark === 'number' ? grammar.special(mark) : grammar.literal(mark));
  const space = grammar.repeat(
    grammar.character(
      codePoints([
        [10, 10],
        [32, 32],
      ]),
    ),
    0,
    2,
  );
  const call = ({ function: { name, parameters = { type: 'object' } } }: Tool): Part =>
    grammar.sequence(
      mark(marks.before),
      space,
      grammar.literal(`{${JSON.stringify(marks.name)}`),
      json.colon,
      json.literal(name),
      json.comma,
      json.literal(marks.arguments),
      json.colon,
      grammar.call(schemaRule(grammar, json, parameters as Schema)),
      grammar.literal('}'),
      space,
      mark(marks.after),
    );
  if (typeof choice === 'object') {
    const named = tools.filter((tool) => tool.function.name === choice.function.name);
    return grammar.either(...named.map(call));
  }
  const any = grammar.rule();
  any.build(grammar.either(...tools.map(call)));
  const next = grammar.sequence(space, grammar.call(any));
  const calls = grammar.sequence(grammar.call(any), grammar.repeat(next, 0, Number.POSITIVE_INFINITY));
  if (choice === 'required') return calls;
  return typeof marks.before === 'string' && marks.before !== ''
    ? grammar.either(textWithout(grammar, marks.before), grammar.sequence(textWithout(grammar, marks.before), calls))
    : grammar.sequence(anyText(grammar), grammar.optional(calls));
}

const anyText = (grammar: Grammar): Part =>
  grammar.repeat(grammar.character(everyCodePoint), 0, Number.POSITIVE_INFINITY);

/**
 * Texts that do not contain `mark`: a state per beginning of the mark that the text ends with
 * (Knuth, Morris and Pratt, "Fast pattern matching in strings", 1977).
 */
function textWithout(grammar: Grammar, mark: string): Part {
  const characters = [...mark];
  return (from) => {
    const to = grammar.state();
    const states = characters.map(() => grammar.state());
    grammar.join(from, states[0]!);
    states.forEach((state, matched) => {
      grammar.join(state, to);
      const known = [...new Set(characters)];
      for (const character of known) {
        const text = [...characters.slice(0, matched), character];
        let longest = Math.min(text.length, characters.length);
        while (text.slice(text.length - longest).join('') !== characters.slice(0, longest).join('')) longest--;
        if (longest < characters.length) grammar.join(grammar.literal(character)(state), states[longest]!);
      }
      const others = without(codePoints(known.map((c) => [c.codePointAt(0)!, c.codePointAt(0)!])));
      grammar.join(grammar.character(others)(state), states[0]!);
    });
    return to;
  };
}
