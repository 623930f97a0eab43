/**
 * Checks for the values of a JSON file, composed like its shape. An error names the field, its
 * value and the requirement. Keys without a check are allowed, because a later version may add
 * some.
 */

/** A value that fails its check. */
export class WrongValue extends Error {
  /** The path of the field: `memory.tokens.bytes`. */
  readonly field: string;
  readonly is: string;
  readonly must: string;

  constructor(field: string, value: unknown, must: string) {
    const is = shown(value);
    super(`${field} is ${is} and must be ${must}`);
    this.field = field;
    this.is = is;
    this.must = must;
  }
}

/** Throws `WrongValue` if the value of this field is wrong. */
export type Check = (value: unknown, field: string) => void;

/** Throws `WrongValue` if `right` is false. */
export function demand(right: boolean, field: string, value: unknown, must: string): void {
  if (!right) throw new WrongValue(field, value, must);
}

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  return (value, field) =>
    demand(
      Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
      field,
      value,
      `an integer ${range}`,
    );
}

/** The address space of WASM. */
export const MOST_BYTES = 2 ** 32;

/** An offset or a length in bytes. */
export const bytes = integer(0, MOST_BYTES);

/** A length in bytes above 0. */
export const size = integer(1, MOST_BYTES);

/** A token, a kind, a kernel or a buffer, by its index. */
export const id = integer(0, 2 ** 31 - 1);

export const figure: Check = (value, field) => demand(Number.isFinite(value), field, value, 'a number');

export const text: Check = (value, field) => demand(typeof value === 'string', field, value, 'a text');

export const hash: Check = (value, field) =>
  demand(
    typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
    field,
    value,
    'a SHA-256: 64 digits of 0-9 and a-f',
  );

/**
 * A file name in the package's own folder: no character that could lead to another folder, server
 * or query.
 */
export const fileName: Check = (value, field) =>
  demand(
    typeof value === 'string' && /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/.test(value),
    field,
    value,
    "a file's name: letters, digits, dots, - and _",
  );

export function oneOf(...values: readonly (string | number)[]): Check {
  const names = values.map((value) => JSON.stringify(value)).join(' or ');
  return (value, field) => demand(values.includes(value as string), field, value, names);
}

export function orNull(check: Check): Check {
  return (value, field) => {
    if (value !== null) check(value, field);
  };
}

/** An object whose values are texts, with any names. */
export const texts: Check = (value, field) => {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value);
  demand(is, field, value, 'an object of texts');
  for (const [name, one] of Object.entries(value as object)) text(one, `${field}.${name}`);
};

/** A field that may be missing. */
export function orMissing(check: Check): Check {
  return (value, field) => {
    if (value !== undefined) check(value, field);
  };
}

export function listOf(check: Check, least = 0, most = Number.MAX_SAFE_INTEGER): Check {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  return (value, field) => {
    const right = Array.isArray(value) && value.length >= least && value.length <= most;
    demand(right, field, value, least > 0 || most < Number.MAX_SAFE_INTEGER ? `a list of ${range}` : 'a list');
    for (const [i, one] of (value as unknown[]).entries()) check(one, `${field}[${i}]`);
  };
}

export function record(fields: Readonly<Record<string, Check>>): Check {
  return (value, field) => {
    demand(value !== null && typeof value === 'object' && !Array.isArray(value), field || 'it', value, 'an object');
    for (const [name, check] of Object.entries(fields)) {
      const own = Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined;
      check(own, field ? `${field}.${name}` : name);
    }
  };
}

/** The value for a message, as JSON, cut to 60 characters. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
