/**
 * The answers of the assistant: a call, a question or a refusal, as one line of JSON. The check
 * against a schema and the two exact-match rates of MobileLLM (arXiv 2402.14905, API calling) are
 * here, so that generator, evaluation and app agree on them.
 */

const DAY = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])';
const TIME = 'T(?:[01]\\d|2[0-3]):[0-5]\\d';

/**
 * How the values of a slot are written, as regular expressions. The README of this folder defines
 * each.
 */
export const FORMATS = {
  person: '.+',
  place: '.+',
  name: '.+',
  text: '.+',
  phone: '\\+?[0-9][0-9 ()/-]*',
  email: '[^\\s@"]+@[^\\s@"]+',
  number: '-?\\d+(?:\\.\\d+)?',
  date: DAY,
  moment: DAY + TIME,
  when: `${DAY}(?:${TIME})?`,
  duration: 'PT(?:\\d+H(?:\\d+M)?(?:\\d+S)?|\\d+M(?:\\d+S)?|\\d+S)',
} as const;

export type Format = keyof typeof FORMATS;

/** A function that the model may call, in the form of tool definitions (JSON Schema). */
export interface Schema {
  readonly name: string;
  readonly description: string;
  readonly parameters: {
    readonly type: 'object';
    readonly properties: Readonly<Record<string, { readonly type: 'string'; readonly format: Format }>>;
    readonly required: readonly string[];
    readonly additionalProperties: false;
  };
}

export type Answer =
  | { readonly name: string; readonly arguments: Readonly<Record<string, string>> }
  | { readonly name: string; readonly missing: string }
  | { readonly name: null };

/** A turn of a conversation: a request and its answer. */
export interface Turn {
  readonly request: string;
  readonly answer: Answer;
}

/** A conversation up to the answer that is trained or scored. `now` is local time to the minute. */
export interface Example extends Turn {
  readonly now: string;
  readonly before?: readonly Turn[];
}

/** Whether a text is a value of a format. */
export const isOf = (format: Format, text: string): boolean => new RegExp(`^(?:${FORMATS[format]})$`, 'su').test(text);

/** The answers over `schemas` as one JSON schema, for constrained decoding. */
export function answerSchema(schemas: readonly Schema[]): object {
  const object = (properties: object, required = Object.keys(properties)): object => ({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
  });
  const value = ({ format }: { readonly format: Format }): object =>
    FORMATS[format] === '.+'
      ? { type: 'string', minLength: 1 }
      : { type: 'string', pattern: `^(?:${FORMATS[format]})$` };
  const answers = schemas.flatMap(({ name, parameters: { properties, required } }) => {
    const slots = Object.fromEntries(Object.entries(properties).map(([slot, property]) => [slot, value(property)]));
    const call = object({ name: { const: name }, arguments: object(slots, [...required]) });
    return required.length === 0 ? [call] : [call, object({ name: { const: name }, missing: { enum: required } })];
  });
  return { anyOf: [...answers, object({ name: { const: null } })] };
}

/** Why `answer` is no answer over `schemas`, or nothing if it is one. */
export function fault(answer: unknown, schemas: readonly Schema[]): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('name' in answer)) return 'an answer is an object with a name';
  const keys = Object.keys(answer).join();
  if (answer.name === null) return keys === 'name' ? undefined : 'a refusal has only a name';
  const schema = schemas.find(({ name }) => name === answer.name);
  if (!schema) return `no function is called ${String(answer.name)}`;
  const { properties, required } = schema.parameters;
  if ('missing' in answer) {
    if (keys !== 'name,missing') return 'a question has a name and a missing slot';
    return required.includes(String(answer.missing)) ? undefined : `${String(answer.missing)} is no required slot`;
  }
  if (!('arguments' in answer) || keys !== 'name,arguments') return 'a call has a name and arguments';
  const given = answer.arguments;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return 'arguments are an object';
  const missing = required.find((slot) => !Object.hasOwn(given, slot));
  if (missing !== undefined) return `${missing} is required`;
  for (const [slot, value] of Object.entries(given)) {
    const property = Object.hasOwn(properties, slot) ? properties[slot] : undefined;
    if (!property) return `${schema.name} has no slot ${slot}`;
    if (typeof value !== 'string' || !isOf(property.format, value))
      return `${slot} is no ${property.format}: ${JSON.stringify(value)}`;
  }
  return undefined;
}

/** Whether an answer matches the expected one: its intent, and its structure (intent included). */
export function exactMatch(
  expected: Answer,
  answer: unknown,
): { readonly intent: boolean; readonly structure: boolean } {
  if (typeof answer !== 'object' || answer === null) return { intent: false, structure: false };
  const kinds = ['arguments', 'missing'];
  const intent =
    'name' in answer && answer.name === expected.name && kinds.every((kind) => kind in answer === kind in expected);
  return { intent, structure: intent && canonical(answer) === canonical(expected) };
}

/** JSON with sorted keys: the order of arguments does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
