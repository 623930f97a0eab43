/**
 * 57 formats for answers: nested, recursive, combined, bounded, with enums, patterns and Unicode.
 * `isAnswer` checks an answer with ajv, which shares no code with the constraints.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { ResponseFormat } from '../src/api.ts';

const object = (properties: object, others: object = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...others,
});

const schemas: Readonly<Record<string, object | boolean>> = {
  anything: {},
  true: true,
  null: { type: 'null' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  string: { type: 'string' },
  array: { type: 'array', maxItems: 4 },
  object: { type: 'object' },
  'types in a list': { type: ['string', 'null', 'integer'] },
  nullable: { type: 'string', nullable: true, maxLength: 4 },
  person: object({
    name: { type: 'string', minLength: 1, maxLength: 20 },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    email: { type: ['string', 'null'], format: 'email' },
  }),
  'optional properties': {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'boolean' }, c: { enum: ['x', 'y'] }, d: { type: 'null' } },
    required: ['b'],
    additionalProperties: false,
  },
  'all optional': { properties: { a: { type: 'null' }, b: { type: 'null' }, c: { type: 'null' } } },
  nested: object({ a: object({ b: object({ c: object({ d: { type: 'array', items: { type: 'boolean' } } }) }) }) }),
  enum: { enum: ['red', 'green', 'blue'] },
  'enum of everything': { enum: [null, true, 1, -1.5e-7, 'a"b\\c\n', [1, [2]], { a: { b: 'ü😀' } }, ''] },
  'enum by type': { type: 'string', enum: ['one', 1, null, 'two'] },
  const: object({ kind: { const: 'event' }, version: { const: 2 } }),
  'Unicode names': object({
    größe: { type: 'integer' },
    ключ: { enum: ['да', 'нет'] },
    '😀 "quoted"\\': { const: '日本' },
  }),
  'names of JavaScript': object({ constructor: { type: 'integer' }, toString: { type: 'null' }, length: { const: 0 } }),
  range: { type: 'integer', minimum: -17, maximum: 1203 },
  'exclusive range': { type: 'integer', exclusiveMinimum: 9, exclusiveMaximum: 12 },
  'from below': { type: 'integer', maximum: -1 },
  'from above': { type: 'integer', minimum: 1_000_000 },
  fraction: { type: 'number', minimum: 0, maximum: 1 },
  'open fraction': { type: 'number', exclusiveMinimum: 0.125, exclusiveMaximum: 0.13 },
  'negative fraction': { type: 'number', minimum: -1e-3, maximum: 2.5 },
  'number from': { type: 'number', exclusiveMinimum: 99.5 },
  multiples: { type: 'integer', multipleOf: 7 },
  'few multiples': { type: 'integer', multipleOf: 250, minimum: -1000, maximum: 1001 },
  lengths: { type: 'string', minLength: 3, maxLength: 5 },
  date: object({ day: { type: 'string', format: 'date' }, at: { type: 'string', format: 'date-time' } }),
  formats: object({
    uuid: { type: 'string', format: 'uuid' },
    ip: { type: 'string', format: 'ipv4' },
    host: { type: 'string', format: 'hostname' },
    time: { type: 'string', format: 'time' },
    uri: { type: 'string', format: 'uri' },
  }),
  pattern: { type: 'string', pattern: '^[A-Z]{2}-\\d{3,5}(?:/[a-f]+)?$' },
  'pattern without anchors': { type: 'string', pattern: 'b{2}|^x$' },
  'pattern of Unicode': { type: 'string', pattern: '^[\\u{1F600}-\\u{1F64F}äöü\\p{Script=Greek}]{1,6}$' },
  'pattern with escapes': { type: 'string', pattern: '^["\\\\\\n\\x01]{2}[^a-z]?$' },
  'pattern beside a format and lengths': object({
    day: { type: 'string', format: 'date', pattern: '^(?:19|20)\\d\\d-.*[05]$' },
    mail: {
      type: 'string',
      format: 'email',
      pattern: '^(?!\\d)(?!.*--)[^@]+@(?:[a-z\\d-]+\\.)+[a-z]{2,}$',
      maxLength: 24,
    },
    word: { type: 'string', pattern: '^[a-c😀]+$', minLength: 3, maxLength: 4 },
    two: { type: 'string', allOf: [{ pattern: '^ab' }, { pattern: 'b$' }], maxLength: 6 },
  }),
  'pattern beside an unknown format': { type: 'string', format: 'lowercase', pattern: '^[^A-Z]{0,8}$' },
  'look-ahead': { type: 'string', pattern: '^(?=.{2,3}$)(?=.*x)(?!xx|yx$)[xy]{2,5}$' },
  'no properties': { type: 'object', properties: {}, additionalProperties: false },
  'names of a schema': {
    type: 'object',
    propertyNames: { pattern: '^k\\d$' },
    additionalProperties: { type: 'boolean' },
  },
  'names of any text': { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'null' } },
  'names of an enum': {
    type: 'object',
    propertyNames: { type: 'string', enum: ['a', 'b', 'value'] },
    additionalProperties: { type: 'integer' },
    required: ['a', 'b'],
  },
  'array of objects': {
    type: 'array',
    items: object({ id: { type: 'integer' }, ok: { type: 'boolean' } }),
    minItems: 1,
    maxItems: 3,
  },
  tuple: {
    type: 'array',
    prefixItems: [{ type: 'integer' }, { type: 'string', maxLength: 3 }],
    items: false,
    minItems: 2,
  },
  'tuple of old': { type: 'array', prefixItems: [{ const: 1 }], items: { type: 'null' }, minItems: 2, maxItems: 4 },
  tree: {
    $ref: '#/$defs/node',
    $defs: {
      node: object({
        value: { type: 'integer' },
        children: { type: 'array', items: { $ref: '#/$defs/node' }, maxItems: 2 },
      }),
    },
  },
  expression: {
    $defs: {
      expression: {
        anyOf: [
          { type: 'number' },
          object({
            op: { enum: ['+', '*'] },
            left: { $ref: '#/$defs/expression' },
            right: { $ref: '#/$defs/expression' },
          }),
        ],
      },
    },
    $ref: '#/$defs/expression',
  },
  'linked list': object({ head: { type: 'integer' }, tail: { anyOf: [{ type: 'null' }, { $ref: '#' }] } }),
  anyOf: {
    anyOf: [{ type: 'string', maxLength: 2 }, { type: 'integer', minimum: 5 }, object({ a: { type: 'null' } })],
  },
  'oneOf by a const': {
    oneOf: [
      object({ type: { const: 'circle' }, radius: { type: 'number', exclusiveMinimum: 0 } }),
      object({ type: { const: 'square' }, side: { type: 'number', exclusiveMinimum: 0 } }),
    ],
  },
  allOf: {
    allOf: [
      { type: 'object', properties: { a: { type: 'integer', minimum: 0 } }, required: ['a'] },
      { properties: { a: { maximum: 9 }, b: { type: 'string', maxLength: 2 } }, required: ['b'] },
    ],
  },
  'beside anyOf': {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'integer' } },
    anyOf: [{ required: ['a'] }, { required: ['b'] }],
    additionalProperties: false,
  },
  'other properties': {
    type: 'object',
    properties: { id: { type: 'integer' }, ids: { type: 'null' } },
    required: ['id'],
    additionalProperties: { type: 'boolean' },
  },
  'names by pattern': {
    type: 'object',
    patternProperties: { '^x-[a-z]+$': { type: 'integer' } },
    additionalProperties: false,
  },
};

/** By name. */
export const answerFormats: Readonly<Record<string, ResponseFormat>> = Object.fromEntries(
  Object.entries(schemas).map(([name, schema]) => [name, { type: 'json_schema', schema }]),
);

const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { lowercase: true } });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);
const checks = new Map(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));

/** null if `text` is JSON that satisfies the schema of this name, else what is wrong. */
export function whatIsWrong(name: string, text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `${name}: ${text} (${String(error)})`;
  }
  const check = checks.get(name)!;
  return check(value) ? null : `${name}: ${text} (${ajv.errorsText(check.errors)})`;
}
