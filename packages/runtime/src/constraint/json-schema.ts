/**
 * A JSON schema (draft 2020-12, and the older words for tuples and definitions) as a rule of a
 * grammar. Every text of the rule satisfies the schema. The reverse is not so: properties come in
 * the order of the schema, an object has no other properties unless the schema mentions them, and
 * numbers have at most 15 digits.
 */

import { formats } from './formats.ts';
import type { Grammar, Part, Rule } from './grammar.ts';
import { type Factor, factorsOf, intersection, lengthFactor } from './intersection.ts';
import type { JsonGrammar } from './json.ts';
import { type Keywords, names, propertiesOf, refuse, type Schema, Schemas } from './merge.ts';
import { anyNumber, type Bounds, boundedNumber, wholeNumber } from './numbers.ts';
import { NotRegular, regexPart } from './regex.ts';
import type { CodePoints } from './utf8.ts';

/** Recursion by $ref ends at the first repetition; merging two recursive schemas may never end. */
const DEEPEST = 300;
const INFINITY = Number.POSITIVE_INFINITY;

/** By type: the keywords that apply to it alone. Without `type`, they say which type is meant. */
const ofType: Readonly<Record<string, readonly string[]>> = {
  object: [
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'propertyNames',
    'minProperties',
    'maxProperties',
  ],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};

/** The rule for a schema. L460 for a schema that is wrong or not supported. */
export function schemaRule(grammar: Grammar, json: JsonGrammar, schema: Schema): Rule {
  return new SchemaGrammar(grammar, json, schema).ruleOf(schema, '');
}

class SchemaGrammar {
  readonly #grammar: Grammar;
  readonly #json: JsonGrammar;
  readonly #schemas: Schemas;
  readonly #rules = new Map<Schema, Rule>();

  constructor(grammar: Grammar, json: JsonGrammar, root: Schema) {
    this.#grammar = grammar;
    this.#json = json;
    this.#schemas = new Schemas(root);
  }

  ruleOf(schema: Schema, at: string): Rule {
    const known = this.#rules.get(schema);
    if (known) return known;
    if (at.split('/').length > DEEPEST)
      refuse(at.slice(0, 60), 'the schema is nested too deeply', 'a $ref for recursion');
    const rule = this.#grammar.rule();
    this.#rules.set(schema, rule);
    const alternatives = this.#schemas.alternatives(schema, at);
    rule.build(this.#grammar.either(...alternatives.flatMap((keywords) => this.#values(keywords, at))));
    return rule;
  }

  #call(schema: Schema, at: string): Part {
    return this.#grammar.call(this.ruleOf(schema, at));
  }

  /** The values of one alternative, by type. */
  #values(keywords: Keywords, at: string): Part[] {
    const grammar = this.#grammar;
    const given = Object.keys(keywords);
    if (keywords.enum !== undefined) {
      const other = given.find((name) => name !== 'enum' && name !== 'type');
      if (other !== undefined)
        refuse(at, `${other} beside enum or const is not supported`, 'only the values that satisfy both');
      return (keywords.enum as unknown[]).map((value) => this.#json.literal(value));
    }
    const meant = Object.keys(ofType).filter((type) => ofType[type]!.some((name) => given.includes(name)));
    const types = keywords.type === undefined ? meant : names(keywords.type);
    if (types.length === 0) return [grammar.call(this.#json.value)];
    return types.flatMap((type): Part[] => {
      if (type === 'null') return [grammar.literal('null')];
      if (type === 'boolean') return [grammar.literal('true'), grammar.literal('false')];
      if (type === 'string') return [this.#string(keywords, at)];
      if (type === 'array') return [this.#array(keywords, at)];
      if (type === 'object') return [this.#object(keywords, at)];
      return types.includes('number') && type === 'integer' ? [] : [this.#number(keywords, type === 'integer', at)];
    });
  }

  /**
   * A string. A format without a rule here beside a pattern says nothing more than the pattern: zod
   * writes both (`lowercase`, `cuid`).
   */
  #string({ minLength = 0, maxLength = INFINITY, pattern, format }: Keywords, at: string): Part {
    const [least, most] = [Number(minLength), Number(maxLength)];
    if (least > most) return this.#grammar.either();
    const isOpen = least === 0 && most === INFINITY;
    const patterns = names(pattern);
    const known = names(format).filter((name) => Object.hasOwn(formats, name) || patterns.length === 0);
    const expressions = [...patterns, ...known.map((name) => this.#format(name, at))];
    if (expressions.length === 0)
      return isOpen ? this.#grammar.call(this.#json.string) : this.#json.stringOfLength(least, most);
    return this.#json.quoted(this.#regex(expressions, isOpen ? [] : [lengthFactor(least, most)], at));
  }

  #format(format: string, at: string): string {
    if (!Object.hasOwn(formats, format))
      refuse(at, `the format ${format} is not supported`, `a pattern, or one of ${Object.keys(formats).join(', ')}`);
    return `^(?:${formats[format]})$`;
  }

  /** The texts that match all of `patterns`, and are accepted by all of `others`. */
  #regex(patterns: readonly string[], others: readonly Factor[], at: string): Part {
    const grammar = this.#grammar;
    const character = (set: CodePoints) => this.#json.character(set);
    const factors = patterns.flatMap((pattern) => {
      try {
        return factorsOf(pattern);
      } catch (cause) {
        if (!(cause instanceof NotRegular)) throw cause;
        return refuse(at, `the pattern ${pattern} is not supported (${cause.message})`, 'a pattern without it');
      }
    });
    if (factors.length + others.length > 1) return intersection(grammar, [...factors, ...others], character);
    return regexPart(patterns[0]!, true, {
      character,
      sequence: (...parts) => grammar.sequence(...parts),
      either: (...parts) => grammar.either(...parts),
      repeat: (part, least, most) => grammar.repeat(part, least, most),
    });
  }

  #number(keywords: Keywords, isWhole: boolean, at: string): Part {
    const {
      minimum = -INFINITY,
      maximum = INFINITY,
      exclusiveMinimum = -INFINITY,
      exclusiveMaximum = INFINITY,
    } = keywords as Readonly<Record<string, number>>;
    const bounds: Bounds = {
      least: Math.max(minimum, exclusiveMinimum),
      most: Math.min(maximum, exclusiveMaximum),
      aboveLeast: exclusiveMinimum >= minimum,
      belowMost: exclusiveMaximum <= maximum,
    };
    const divisor = (keywords.multipleOf ?? (isWhole ? 1 : undefined)) as number | undefined;
    if (divisor === undefined) {
      const isOpen = bounds.least === -INFINITY && bounds.most === INFINITY;
      return isOpen ? anyNumber(this.#grammar) : boundedNumber(this.#grammar, bounds);
    }
    const part = Number.isSafeInteger(divisor) ? wholeNumber(this.#grammar, bounds, divisor) : null;
    return (
      part ??
      refuse(
        at,
        `multipleOf ${divisor} is not supported here`,
        'a whole number of at most 1000, without bounds that are far apart',
      )
    );
  }

  #array({ prefixItems = [], items = true, minItems = 0, maxItems = INFINITY }: Keywords, at: string): Part {
    const grammar = this.#grammar;
    const firsts = prefixItems as readonly Schema[];
    const [least, most] = [Number(minItems), Number(maxItems)];
    const item = (i: number): Part =>
      i < firsts.length ? this.#call(firsts[i]!, `${at}/prefixItems/${i}`) : this.#call(items as Schema, `${at}/items`);
    return (from) => {
      const close = grammar.state();
      let at = grammar.literal('[')(from);
      const fixed = Math.max(firsts.length, most === INFINITY ? Math.max(least, 1) : most);
      let count = 0;
      for (; count < Math.min(fixed, most); count++) {
        if (count >= least) grammar.join(at, close);
        at = item(count)(count === 0 ? at : this.#json.comma(at));
      }
      if (most === INFINITY) at = grammar.repeat(grammar.sequence(this.#json.comma, item(count)), 0, INFINITY)(at);
      if (count >= least) grammar.join(at, close);
      return grammar.literal(']')(close);
    };
  }

  /**
   * An object: its properties in order, then others. There are two states before each property:
   * without and with a property before it, which needs a comma.
   */
  #object(keywords: Keywords, at: string): Part {
    const grammar = this.#grammar;
    const required = names(keywords.required);
    const declared = propertiesOf(keywords);
    const others = this.#others(keywords, at);
    const all = new Set([...Object.keys(declared), ...required]);
    this.#checkCounts(keywords, all.size, required.length, others !== null, at);
    return (from) => {
      const [none, some] = [grammar.literal('{')(from), grammar.state()];
      let [without, withBefore] = [none, some];
      for (const name of all) {
        const schema = Object.hasOwn(declared, name) ? declared[name]! : this.#undeclared(keywords, name);
        const key = grammar.state();
        grammar.join(without, key);
        grammar.join(this.#json.comma(withBefore), key);
        const pair = grammar.sequence(
          this.#json.literal(name),
          this.#json.colon,
          this.#call(schema, `${at}/properties/${name}`),
        );
        const [nextWithout, nextWith] = [grammar.state(), grammar.state()];
        grammar.join(pair(key), nextWith);
        if (!required.includes(name)) {
          grammar.join(without, nextWithout);
          grammar.join(withBefore, nextWith);
        }
        [without, withBefore] = [nextWithout, nextWith];
      }
      const close = grammar.state();
      if (others) {
        const first = grammar.state();
        grammar.join(without, first);
        grammar.join(this.#json.comma(withBefore), first);
        const more = grammar.repeat(grammar.sequence(this.#json.comma, others), 0, INFINITY);
        grammar.join(more(others(first)), close);
      }
      grammar.join(without, close);
      grammar.join(withBefore, close);
      return grammar.literal('}')(close);
    };
  }

  /** The schema of a required property that has none of its own. */
  #undeclared({ patternProperties = {}, additionalProperties = true }: Keywords, name: string): Schema {
    const patterns = patternProperties as Readonly<Record<string, Schema>>;
    const matching = Object.keys(patterns).filter((pattern) => new RegExp(pattern, 'u').test(name));
    return matching.length > 0
      ? { allOf: matching.map((pattern) => patterns[pattern]!) }
      : (additionalProperties as Schema);
  }

  /** A pair that is not declared; null if there are none. */
  #others(keywords: Keywords, at: string): Part | null {
    const { additionalProperties, patternProperties = {} } = keywords;
    const declared = Object.keys(propertiesOf(keywords));
    const known = [...new Set([...declared, ...names(keywords.required)])];
    const patterns = Object.entries(patternProperties as Readonly<Record<string, Schema>>);
    if (patterns.length > 0) {
      if (additionalProperties !== undefined && additionalProperties !== false)
        refuse(at, 'patternProperties beside additionalProperties is not supported', 'additionalProperties: false');
      const [[pattern, schema] = ['', false as Schema]] = patterns;
      if (patterns.length > 1 || known.some((name) => new RegExp(pattern, 'u').test(name)))
        refuse(
          at,
          'patternProperties that overlap are not supported',
          'one pattern that matches no name of properties',
        );
      const key = this.#json.quoted(this.#regex([pattern], [], `${at}/patternProperties`));
      return this.#grammar.sequence(key, this.#json.colon, this.#call(schema, `${at}/patternProperties/${pattern}`));
    }
    const schema = (additionalProperties ?? (keywords.properties === undefined && known.length === 0)) as Schema;
    if (schema === false) return null;
    const key = this.#otherKey(keywords.propertyNames as Schema | undefined, known, at);
    return key && this.#grammar.sequence(key, this.#json.colon, this.#call(schema, `${at}/additionalProperties`));
  }

  /** The key of a pair that is not one of `known`; null if there is none. */
  #otherKey(allowed: Schema | undefined, known: readonly string[], at: string): Part | null {
    const any = known.length === 0 ? this.#grammar.call(this.#json.string) : this.#json.keyOtherThan(known);
    if (allowed === undefined) return any;
    const place = `${at}/propertyNames`;
    const schema = { allOf: [{ type: 'string' }, allowed] };
    const alternatives = this.#schemas.alternatives(schema, place);
    if (alternatives.some((one) => Object.keys(one).every((name) => name === 'type'))) return any;
    if (known.length === 0) return alternatives.length === 0 ? null : this.#call(schema, place);
    const listed = alternatives.flatMap((one) => (one.enum as readonly string[] | undefined) ?? []);
    if (alternatives.some((one) => one.enum === undefined) || known.some((name) => !listed.includes(name)))
      refuse(place, 'names beside properties or required are not supported', 'an enum with all of these names');
    const others = listed.filter((name) => !known.includes(name));
    return others.length === 0 ? null : this.#grammar.either(...others.map((name) => this.#json.literal(name)));
  }

  /** Counts of properties are refused unless the other keywords imply them. */
  #checkCounts(
    { minProperties = 0, maxProperties = INFINITY }: Keywords,
    all: number,
    required: number,
    open: boolean,
    at: string,
  ): void {
    if (Number(minProperties) > required)
      refuse(
        at,
        `minProperties ${minProperties} is not supported with ${required} required properties`,
        'more names in required',
      );
    if (Number(maxProperties) < (open ? INFINITY : all))
      refuse(
        at,
        `maxProperties ${maxProperties} is not supported here`,
        'fewer properties and additionalProperties: false',
      );
  }
}

/** The texts that match a regular expression as a whole. L460 if it is not supported. */
export function patternRule(grammar: Grammar, pattern: string): Rule {
  const rule = grammar.rule();
  try {
    rule.build(
      regexPart(pattern, false, {
        character: (set) => grammar.character(set),
        sequence: (...parts) => grammar.sequence(...parts),
        either: (...parts) => grammar.either(...parts),
        repeat: (part, least, most) => grammar.repeat(part, least, most),
      }),
    );
  } catch (cause) {
    if (!(cause instanceof NotRegular)) throw cause;
    refuse('the regular expression', `${pattern} is not supported (${cause.message})`, 'an expression without it');
  }
  return rule;
}
