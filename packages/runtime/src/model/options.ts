/**
 * Checks and copies arguments before any work starts. Each value has one range, an unknown name is
 * an error instead of a silent default, and changing an argument after the call has no effect. A
 * value that cannot be read (a getter or a Proxy that throws) is out of range too.
 */

import type { LoadOptions, ResponseFormat } from '../api.ts';
import { anyOf, type Device, devices, usual } from '../choices.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { samplingOptions } from '../sampling/sampling-options.ts';
import { spell } from '../spell.ts';
import { toolChoiceRange, toolsRange } from './messages.ts';
import { type Range, range, wellFormed, whole } from './ranges.ts';
import { checkCount, checkedId } from './token-ids.ts';

type Ranges = Readonly<Record<string, Range<unknown>>>;
/** The options after checking: only those that were given. */
export type Checked<R extends Ranges> = { readonly [K in keyof R]?: R[K] extends Range<infer T> ? T : never };

/** The items of a list, each checked by `item`; null if one is out of range or a hole. */
function listOf<T>(value: unknown, item: (value: unknown) => value is T): T[] | null {
  if (!isList(value)) return null;
  const items: T[] = [];
  for (let i = 0; i < value.length; i++) {
    const one = value[i];
    if (!item(one)) return null;
    items.push(one);
  }
  return items;
}

/** An array or a typed array of numbers. A `DataView` is refused: it has no length. */
const isList = (value: unknown): value is ArrayLike<unknown> =>
  (Array.isArray(value) || (ArrayBuffer.isView(value) && !/Big/.test(Object.prototype.toString.call(value)))) &&
  Number((value as { readonly length?: unknown }).length) >= 0;

const callback = <F>(remedy: string) => range('a function', remedy, (v): v is F => typeof v === 'function');

// Tested by its members: a signal of another realm, or of a polyfill, is not an instance of this
// realm's class.
const signal = range('an AbortSignal', 'new AbortController().signal', (v): v is AbortSignal => {
  const { aborted, addEventListener, removeEventListener } = Object(v);
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  return typeof aborted === 'boolean' && listens;
});

const stopText = (v: unknown): v is string => typeof v === 'string' && v !== '';

/** The entries of an object from ids to numbers; null for any other value. */
function biases(value: unknown): Readonly<Record<number, number>> | null {
  if (Object.prototype.toString.call(value) !== '[object Object]') return null;
  const entries = Object.entries(value as object);
  const holds = ([id, bias]: [string, unknown]) => /^(0|[1-9]\d{0,15})$/.test(id) && Number.isFinite(bias);
  return entries.every(holds) ? Object.fromEntries(entries) : null;
}

const overflows = ['error', 'slide'] as const;
type Overflow = (typeof overflows)[number];

/** The options that are part of a prompt. */
export const promptRanges = {
  prefix: {
    text: 'a text',
    remedy: '"Yes, "',
    read: (v: unknown) => (typeof v === 'string' ? wellFormed(v) : null),
  },
  tools: toolsRange,
  toolChoice: toolChoiceRange,
};

/** A copy of a response format; null for any other value. */
function readFormat(value: unknown): ResponseFormat | null {
  // A schema is JSON, so a copy as JSON loses nothing of it.
  const { type, schema, pattern } = (JSON.parse(JSON.stringify(value)) ?? {}) as Readonly<Record<string, unknown>>;
  if (type === 'text' || type === 'json') return { type };
  if (
    type === 'json_schema' &&
    ((typeof schema === 'object' && schema && !Array.isArray(schema)) || typeof schema === 'boolean')
  )
    return { type, schema };
  return type === 'regex' && typeof pattern === 'string' ? { type, pattern } : null;
}

export const generateRanges = {
  ...samplingOptions,
  ...promptRanges,
  maxTokens: whole(1, '128'),
  stop: {
    text: 'a text that is not empty, or a list of such texts',
    remedy: '"\\n"',
    read: (v: unknown) => listOf(typeof v === 'string' ? [v] : v, stopText),
  },
  eos: {
    text: 'a list of token ids',
    remedy: '[2], or [] for none',
    read: (v: unknown) => listOf(v, (id): id is number => Number.isInteger(id) && Number(id) >= 0),
  },
  logitBias: {
    text: 'an object with token ids as names and finite numbers as values',
    remedy: '{ 5: -100 }',
    read: biases,
  },
  lookup: range('true or false', 'false', (v): v is boolean => typeof v === 'boolean'),
  overflow: range(anyOf(overflows), spell('slide'), (v): v is Overflow => overflows.some((one) => one === v)),
  logprobs: range(
    'a whole number from 0 to 20',
    '5',
    (v): v is number => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 20,
  ),
  responseFormat: {
    text: '{ type: "json_schema", schema }, { type: "regex", pattern }, { type: "json" } or { type: "text" }',
    remedy: "{ type: 'json_schema', schema: { type: 'object' } }",
    read: readFormat,
  },
  signal,
};

export const loadRanges = {
  device: range(anyOf(devices), spell(usual.device), (v): v is Device => devices.some((device) => device === v)),
  threads: whole(1, '2'),
  sessions: whole(0, '8'),
  signal,
  onProgress: callback<NonNullable<LoadOptions['onProgress']>>('(done, total) => {}'),
  onFallback: callback<NonNullable<LoadOptions['onFallback']>>('({ reason }) => {}'),
};

/**
 * Copies options into a plain object, without those that are undefined. L409 for a name that is not
 * in `ranges`; L408 for a value outside its range and for options that are not an object. Instances
 * of classes and inherited options are allowed.
 */
export function readOptions<R extends Ranges>(given: unknown, ranges: R): Checked<R> {
  const known = Object.keys(ranges);
  const { options, names } = readAs('options', optionsRange(known), () => given);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new LamellaError('L409', { option: unknown, remedy: known.join(', ') });
  const read = known.flatMap((name) => {
    const value = readAs(name, orLeftOut(ranges[name]!), () => options[name]);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(read);
}

const optionsRange = (known: readonly string[]) => ({
  text: 'an object',
  remedy: `an object with any of ${known.join(', ')}`,
  read: (value: unknown) => {
    // A list, a map, a date or a promise has none of the names, and would silently count as no
    // options.
    if (Object.prototype.toString.call(value) !== '[object Object]') return null;
    return { options: value as Readonly<Record<string, unknown>>, names: Object.keys(value as object) };
  },
});

const orLeftOut = <T>({ text, remedy, read }: Range<T>): Range<T | undefined> => ({
  text,
  remedy,
  read: (value) => (value === undefined ? undefined : read(value)),
});

/** The result of `get`, read by `range`. L408 if it is out of range, or if reading it throws. */
export function readAs<T>(name: string, { text, remedy, read }: Range<T>, get: () => unknown): T {
  let spelled = 'something that throws when it is read';
  try {
    const value = get();
    const result = read(value);
    if (result !== null) return result;
    spelled = spell(value);
  } catch {
    // The thrown value is the caller's own and may be anything, so it is not used.
  }
  throw new LamellaError('L408', { option: name, range: text, value: spelled, remedy });
}

const bytesRange = range(
  'a Uint8Array',
  'what save() of a session returned',
  (v): v is Uint8Array => Object.prototype.toString.call(v) === '[object Uint8Array]',
);

/** A copy of bytes. L408 for anything else. */
export function readBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readAs('bytes', bytesRange, () => value));
}

/** A number of tokens, at most `most`. L408 for anything else. */
export function readIndex(name: string, value: unknown, most: number): number {
  const holds = (v: unknown): v is number => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= most;
  return readAs(name, range(`a whole number from 0 to ${most}`, 'a number of tokens', holds), () => value);
}

const textRange = range('a text', '"Hello"', (value): value is string => typeof value === 'string');
const idsRange = { text: 'a list of token ids', remedy: '[1, 2, 3]' };

/** A text, well-formed. L408 for anything else. */
export function readText(value: unknown): string {
  return wellFormed(readAs('text', textRange, () => value));
}

/**
 * Token ids, from an array or a typed array. L408 for anything else, L402 for an id outside the
 * vocabulary.
 */
export function readIds(value: unknown, { vocab }: Pick<Manifest, 'vocab'>): number[] {
  return readList('ids', idsRange, value, Number.POSITIVE_INFINITY).items.map((id) => checkedId(id, vocab));
}

/** The tokens of a call, like `readIds`; L401 for none, L403 if they do not fit the context. */
export function readTokens(
  value: unknown,
  { vocab, context }: Pick<Manifest, 'vocab' | 'context'>,
  name = 'tokens',
  range: Pick<Range<unknown>, 'text' | 'remedy'> = idsRange,
): number[] {
  const { count, items } = readList(name, range, value, context);
  checkCount(count, context);
  return items.map((id) => checkedId(id, vocab));
}

/** The length of a list and its first `most` items. L408 for anything else. */
function readList(name: string, range: Pick<Range<unknown>, 'text' | 'remedy'>, value: unknown, most: number) {
  const read = (list: unknown) => {
    if (!isList(list)) return null;
    const count = list.length;
    return { count, items: Array.from({ length: Math.min(count, most) }, (_, i) => list[i]) };
  };
  return readAs(name, { ...range, read }, () => value);
}
