/**
 * Reads the members of a request. A member of another type or range, a missing one and an unknown
 * one are each one error that names it: a request is never served as if a member were not there.
 */
import { spell } from '../../spell.ts';
import { APIError } from './api-error.ts';

/**
 * A kind of value: its description, and the value as it is used; `undefined` for any other value.
 */
export interface Kind<T> {
  readonly text: string;
  readonly read: (value: unknown) => T | undefined;
}

export type Members = Readonly<Record<string, Kind<unknown>>>;

/** The values that were read: members that are left out or null are absent. */
export type Read<M extends Members> = {
  readonly [Name in keyof M]?: M[Name] extends Kind<infer T> ? T : never;
};

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Object.prototype.toString.call(value) === '[object Object]';

const kind = <T>(text: string, holds: (value: unknown) => value is T): Kind<T> => ({
  text,
  read: (value) => (holds(value) ? value : undefined),
});

export const boolean = kind('true or false', (v): v is boolean => typeof v === 'boolean');
export const text = kind('a text', (v): v is string => typeof v === 'string');
export const anything: Kind<unknown> = { text: 'any value', read: (value) => value };

export const number = (least: number, most: number) =>
  kind(
    `a number from ${least} to ${most}`,
    (v): v is number => typeof v === 'number' && Number.isFinite(v) && v >= least && v <= most,
  );

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  kind(
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`,
    (v): v is number => Number.isSafeInteger(v) && Number(v) >= least && Number(v) <= most,
  );

export const object = kind('an object', isObject);
export const list = kind('a list', (v): v is readonly unknown[] => Array.isArray(v));

/** Only these values. For members of OpenAI's API that mean nothing else here. */
export const only = <T>(...values: readonly T[]) =>
  kind(values.map((value) => JSON.stringify(value)).join(' or '), (v): v is T => values.includes(v as T));

/** The members of `body`. A 400 for the first one that is wrong. */
export function readMembers<M extends Members>(body: unknown, known: M, place = ''): Read<M> {
  if (!isObject(body)) throw wrong(place, 'an object', body);
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const param = place === '' ? name : `${place}.${name}`;
    if (!Object.hasOwn(known, name))
      throw new APIError(400, `${param} is not a member of this request. Try one of ${Object.keys(known).join(', ')}`, {
        param,
        code: 'unknown_parameter',
      });
    if (value === null || value === undefined) continue;
    const { text, read: reader } = known[name]!;
    const result = reader(value);
    if (result === undefined) throw wrong(param, text, value);
    read[name] = result;
  }
  return read as Read<M>;
}

/** The error for a member of another kind. */
export function wrong(param: string, text: string, value: unknown): APIError {
  const name = param === '' ? 'the request' : param;
  return new APIError(400, `${name} must be ${text}, not ${spell(value)}`, {
    param: param === '' ? null : param,
    code: 'invalid_value',
  });
}

/** The error for a member that is required. */
export function missing(param: string, text: string): APIError {
  return new APIError(400, `${param} is required: ${text}`, { param, code: 'missing_required_parameter' });
}
