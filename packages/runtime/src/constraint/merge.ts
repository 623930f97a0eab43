/**
 * JSON schemas without references and combinations. Each schema becomes alternatives of plain
 * keywords: a reference is replaced by its target, `anyOf` gives several alternatives, and `allOf`
 * and keywords beside these are merged. Every keyword is either used or refused by name.
 */
import { LamellaError } from '../lamella-error.ts';

export type Schema = boolean | Keywords;
export type Keywords = Readonly<Record<string, unknown>>;

/** Keywords that say nothing about which values are valid. */
const annotations = [
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly', '$comment'],
  ...['$schema', '$id', '$defs', 'definitions', 'contentMediaType', 'contentEncoding', 'discriminator', 'strict'],
];
const combinations = ['$ref', 'allOf', 'anyOf', 'oneOf'];
const assertions = [
  ...['type', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format', 'items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems'],
  ...['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties', 'maxProperties'],
  ...['propertyNames', 'nullable'],
];
/** A schema that combines more alternatives than this is a mistake, or an attack. */
const MOST_ALTERNATIVES = 1000;

/** An error about a schema: the place, what is wrong there, and what to write instead. */
export function refuse(at: string, reason: string, remedy: string): never {
  throw new LamellaError('L460', { at: at === '' ? 'the schema' : at, reason, remedy });
}

export class Schemas {
  readonly #root: Schema;
  /** Merged schemas, so that a recursive schema is merged once. */
  readonly #merged = new Map<Schema, Map<Schema, Schema>>();

  constructor(root: Schema) {
    this.#root = root;
  }

  /** The alternatives of a schema; none if nothing satisfies it. `at` is its place. */
  alternatives(schema: Schema, at: string, open: readonly Schema[] = []): Keywords[] {
    if (typeof schema === 'boolean') return schema ? [{}] : [];
    if (open.includes(schema))
      refuse(at, 'it refers to itself without an object or an array in between', 'a $ref in properties or items');
    check(schema, at);
    const within = [...open, schema];
    const own = Object.fromEntries(Object.entries(schema).filter(([name]) => assertions.includes(name)));
    let all: Keywords[] = [normal(own)];
    const also = (more: Keywords[]) => {
      if (all.length * more.length > MOST_ALTERNATIVES)
        refuse(at, `it has more than ${MOST_ALTERNATIVES} alternatives`, 'fewer anyOf and oneOf beside each other');
      all = all.flatMap((a) => more.flatMap((b) => this.#both(a, b, at)));
    };
    if (schema.$ref !== undefined) also(this.alternatives(this.#target(schema.$ref, at), `${schema.$ref}`, within));
    list(schema.allOf, `${at}/allOf`).forEach((part, i) => {
      also(this.alternatives(part, `${at}/allOf/${i}`, within));
    });
    for (const name of ['anyOf', 'oneOf'] as const) {
      if (schema[name] === undefined) continue;
      const parts = list(schema[name], `${at}/${name}`).map((part, i) =>
        this.alternatives(part, `${at}/${name}/${i}`, within),
      );
      if (name === 'oneOf') this.#requireApart(parts, `${at}/${name}`);
      also(parts.flat());
    }
    return all;
  }

  /** A value must satisfy exactly one part of `oneOf`, so parts that may overlap are refused. */
  #requireApart(parts: readonly (readonly Keywords[])[], at: string): void {
    parts.forEach((part, i) => {
      for (const other of parts.slice(i + 1))
        for (const a of part)
          for (const b of other)
            if (!this.#areApart(a, b))
              refuse(
                at,
                'a value may satisfy two of its parts',
                'anyOf, or parts with different types or a different const of one required property',
              );
    });
  }

  #areApart(a: Keywords, b: Keywords): boolean {
    if (this.#both(a, b, '').length === 0) return true;
    const [required, other] = [names(a.required), names(b.required)];
    return required.some((name) => {
      if (!other.includes(name)) return false;
      const [one, two] = [propertyOf(a, name), propertyOf(b, name)];
      if (typeof one !== 'object' || typeof two !== 'object') return false;
      const alternatives = (schema: Schema) => (isPlain(schema) ? this.alternatives(schema, '') : [{}]);
      return alternatives(one).every((x) => alternatives(two).every((y) => this.#both(x, y, '').length === 0));
    });
  }

  #target(ref: unknown, at: string): Schema {
    const names = pointerOf(ref);
    if (names === null)
      return refuse(at, `its $ref ${JSON.stringify(ref)} does not point into the schema`, "'#/$defs/NAME'");
    let found: unknown = this.#root;
    for (const name of names)
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, name)
          ? (found as Keywords)[name]
          : undefined;
    if (!isSchema(found)) refuse(at, `its $ref ${ref} points to nothing`, "'#/$defs/NAME'");
    return found as Schema;
  }

  /** One schema that requires both; none if it is plain that nothing satisfies them. */
  #both(a: Keywords, b: Keywords, at: string): Keywords[] {
    const result: Record<string, unknown> = { ...a, ...b };
    const shared = Object.keys(a).filter((name) => name in b);
    for (const name of shared) {
      const [x, y] = [a[name], b[name]];
      const [least, most] = [Math.min(x as number, y as number), Math.max(x as number, y as number)];
      if (name === 'type') result.type = bothTypes(x as string[], y as string[]);
      else if (name === 'enum') {
        const texts = (y as unknown[]).map((value) => JSON.stringify(value));
        result.enum = (x as unknown[]).filter((value) => texts.includes(JSON.stringify(value)));
      } else if (name === 'required') result.required = [...new Set([...names(x), ...names(y)])];
      else if (/^(min|exclusiveMin)/.test(name)) result[name] = most;
      else if (/^(max|exclusiveMax)/.test(name)) result[name] = least;
      else if (name === 'pattern' || name === 'format') result[name] = [...new Set([...names(x), ...names(y)])];
      else if (['items', 'additionalProperties', 'propertyNames'].includes(name))
        result[name] = this.#all(x as Schema, y as Schema);
      else if (name !== 'properties' && JSON.stringify(x) !== JSON.stringify(y))
        refuse(at, `two schemas with a different ${name} apply here`, `one ${name}`);
    }
    if (a.properties !== undefined || b.properties !== undefined) {
      const both = new Set([...Object.keys(propertiesOf(a)), ...Object.keys(propertiesOf(b))]);
      result.properties = Object.fromEntries(
        [...both].map((name) => [name, this.#all(propertyOf(a, name), propertyOf(b, name))]),
      );
    }
    if (Array.isArray(result.enum)) {
      const types = result.type as readonly string[] | undefined;
      result.enum = result.enum.filter((value) => !types || types.some((type) => isOfType(value, type)));
      if ((result.enum as unknown[]).length === 0) return [];
    }
    return Array.isArray(result.type) && result.type.length === 0 ? [] : [result];
  }

  #all(a: Schema, b: Schema): Schema {
    if (a === b || b === true) return a;
    if (a === true) return b;
    const known = this.#merged.get(a)?.get(b);
    const merged = known ?? { allOf: [a, b] };
    this.#merged.set(a, (this.#merged.get(a) ?? new Map()).set(b, merged));
    return merged;
  }
}

/** The names of a JSON pointer in a URL's fragment (RFC 6901); null for any other reference. */
function pointerOf(ref: unknown): readonly string[] | null {
  if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)) return null;
  const named = (part: string) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return ref.split('/').slice(1).map(named);
  } catch {
    // A percent sign that begins no UTF-8.
    return null;
  }
}

export const isSchema = (value: unknown): value is Schema => typeof value === 'boolean' || isObject(value);
const isObject = (value: unknown): value is Keywords =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Whether a schema has no references, which might lead back to it. */
const isPlain = (schema: Schema) => typeof schema === 'boolean' || !combinations.some((name) => name in schema);

export const propertiesOf = ({ properties = {} }: Keywords) => properties as Readonly<Record<string, Schema>>;
export const names = (value: unknown) => (value ?? []) as readonly string[];

/** What a schema requires of a property. */
function propertyOf(schema: Keywords, name: string): Schema {
  const properties = propertiesOf(schema);
  if (Object.hasOwn(properties, name)) return properties[name]!;
  const patterns = Object.keys((schema.patternProperties ?? {}) as object);
  if (patterns.some((pattern) => new RegExp(pattern, 'u').test(name))) return true;
  return (schema.additionalProperties ?? true) as Schema;
}

/** Whether a value has a type of JSON Schema. */
export function isOfType(value: unknown, type: string): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (typeof value === 'number') return type === 'number' || (type === 'integer' && Number.isInteger(value));
  return typeof value === type;
}

function bothTypes(a: readonly string[], b: readonly string[]): string[] {
  const covers = (types: readonly string[], type: string) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return [...new Set([...a.filter((type) => covers(b, type)), ...b.filter((type) => covers(a, type))])];
}

/** The same keywords with `const` as `enum`, `type`, `pattern` and `format` as lists, and the newer names for arrays. */
function normal(schema: Keywords): Keywords {
  const { const: value, enum: values, type, nullable, items, additionalItems, pattern, format, ...rest } = schema;
  const types = type === undefined ? undefined : Array.isArray(type) ? type : [type];
  const given = 'const' in schema ? [value] : (values as unknown[] | undefined);
  const kept =
    'const' in schema && values !== undefined
      ? (values as unknown[]).filter((other) => JSON.stringify(other) === JSON.stringify(value))
      : given;
  const isTuple = Array.isArray(items);
  const rests = isTuple ? additionalItems : items;
  return {
    ...rest,
    ...(pattern !== undefined && { pattern: [pattern] }),
    ...(format !== undefined && { format: [format] }),
    ...(types && { type: nullable === true && !types.includes('null') ? [...types, 'null'] : types }),
    ...(kept && { enum: kept.filter((other) => !types || types.some((one) => isOfType(other, one))) }),
    ...(isTuple && { prefixItems: items }),
    ...(rests !== undefined && { items: rests }),
  };
}

function list(value: unknown, at: string): readonly Schema[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length === 0 || !value.every(isSchema))
    return refuse(at, 'it is not a list of schemas', 'a list of schemas');
  return value as Schema[];
}

const types = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];
const count = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const number = (value: unknown) => Number.isFinite(value);
const every = (holds: (value: unknown) => boolean) => (value: unknown) =>
  isObject(value) && Object.values(value).every(holds);
const all = (holds: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(holds);

function isExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** By keyword: what its value must be, and a test of it. */
const forms: Readonly<Record<string, readonly [form: string, holds: (value: unknown) => boolean]>> = {
  type: [
    `one of ${types.join(', ')}, or a list of them`,
    (v) => [v].flat().length > 0 && [v].flat().every((t) => types.includes(t as string)),
  ],
  enum: ['a list of values', (v) => Array.isArray(v) && v.length > 0],
  required: ['a list of names', all((name) => typeof name === 'string')],
  properties: ['an object of schemas', every(isSchema)],
  patternProperties: [
    'an object of schemas, with regular expressions as names',
    (v) => every(isSchema)(v) && Object.keys(v as object).every(isExpression),
  ],
  prefixItems: ['a list of schemas', all(isSchema)],
  items: ['a schema', (v) => isSchema(v) || all(isSchema)(v)],
  additionalItems: ['a schema', isSchema],
  additionalProperties: ['a schema', isSchema],
  propertyNames: ['a schema', isSchema],
  pattern: ['a regular expression', (v) => typeof v === 'string'],
  format: ['a name', (v) => typeof v === 'string'],
  nullable: ['true or false', (v) => typeof v === 'boolean'],
  multipleOf: ['a number above 0', (v) => number(v) && Number(v) > 0],
  ...Object.fromEntries(
    ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'].map((name) => [
      name,
      ['a whole number of at least 0', count],
    ]),
  ),
  ...Object.fromEntries(
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((name) => [name, ['a number', number]]),
  ),
};

/** Refuses a schema with an unknown keyword, or a keyword with a wrong value. */
function check(schema: Keywords, at: string): void {
  for (const [name, value] of Object.entries(schema)) {
    if (annotations.includes(name) || name.startsWith('x-')) continue;
    if (!assertions.includes(name) && !combinations.includes(name))
      refuse(at, `the keyword ${name} is not supported`, 'leaving it out, and checking the answer by it');
    const form = forms[name];
    if (form && !form[1](value)) refuse(`${at}/${name}`, `it is not ${form[0]}`, form[0]);
  }
}
