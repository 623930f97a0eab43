/**
 * Run-time checks of the arguments of every DSL function. An author may run a file without a type
 * checker, and then a wrong value, an unknown option or an extra argument must be an error at the
 * author's line, not a model that computes something else. Each function declares its arguments
 * with the kinds below. Ranges (e.g. a size of 0) have errors of their own.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { describe, isClass } from './describe.ts';
import { isAxisName } from './names.ts';
import { capture } from './site.ts';
import { Tensor } from './tensor.ts';

/** The allowed values of an argument. */
export interface Kind {
  /** The words after "takes" in the message: `an axis of dims`. */
  readonly words: string;
  /** The remedy in the message. */
  readonly example: string;
  readonly holds: (value: unknown) => boolean;
  /**
   * For values that must be originals (`original.ts`): the keys of one. An extra key of a copy is
   * reported.
   */
  readonly keys?: readonly string[];
  /** For an object of options: the kind of each option. */
  readonly options?: Readonly<Record<string, Kind>>;
}

/** Any number; `example` shows one in its place. */
export function number(example: string): Kind {
  return { words: 'a number', example, holds: (value) => typeof value === 'number' };
}

export const text: Kind = {
  words: 'a text',
  example: "a text, such as 'my-model'",
  holds: (value) => typeof value === 'string',
};

export const boolean: Kind = { words: 'true or false', example: 'true', holds: (value) => typeof value === 'boolean' };

/** One of these texts. */
export function oneOf(...texts: readonly string[]): Kind {
  const quoted = texts.map((each) => `'${each}'`).join(' or ');
  return { words: quoted, example: quoted, holds: (value) => texts.includes(value as string) };
}

export const axis: Kind = {
  words: 'an axis of dims',
  example: 'const { t, d } = dims({ t: 512, d: 128 })',
  holds: isAxis,
};

/** The axes of a value, [t, d]. */
export const axes: Kind = {
  words: 'two axes',
  example: '[t, d]',
  holds: (value) => isListOf(value, isAxis) && value.length === 2,
};

/** A value of the model. */
export const tensor: Kind = {
  words: 'a value of the model',
  example: "passing on the body's input or what a layer returned",
  holds: (value) => value instanceof Tensor,
};

/**
 * A function that the author writes; `example` shows one. Classes are excluded: they cannot be
 * called.
 */
export function callback(example: string): Kind {
  return { words: 'a function', example, holds: (value) => typeof value === 'function' && !isClass(value) };
}

export function optional(kind: Kind): Kind {
  return { ...kind, holds: (value) => value === undefined || kind.holds(value) };
}

/** An object with these options and no others. */
export function options(kinds: Readonly<Record<string, Kind>>, example: string): Kind {
  return { words: 'an object of options', example, holds: isPlainObject, options: kinds };
}

/**
 * Returns `f` with its arguments checked against `kinds`, in order; `call` is its name in messages.
 * Throws L124 for a wrong value and L125 for an unknown option or an extra argument. A function
 * whose arguments are all values of the model ignores extra arguments, because `list.map(f)` passes
 * an index too.
 */
export function declared<F extends (...args: never[]) => unknown>(
  call: string,
  kinds: Readonly<Record<string, Kind>>,
  f: F,
): F {
  const list = Object.entries(kinds);
  const axisNames = list.filter(([, kind]) => kind === axis).map(([name]) => name);
  const isExact = list.length === 0 || list.some(([, kind]) => kind !== tensor);
  const run = f as unknown as (...args: readonly unknown[]) => unknown;
  const checked = (...args: readonly unknown[]): unknown => {
    for (const [i, [name, kind]] of list.entries()) {
      // for a missing axis, the remedy shows the whole call instead of how to make axes
      const isLeftOut = kind === axis && i >= args.length;
      checkValue(call, name, args[i], isLeftOut ? { ...kind, example: `${call}(${axisNames.join(', ')})` } : kind);
    }
    if (isExact && args.length > list.length) {
      const usage = `${call}(${list.map(([name]) => name).join(', ')})`;
      refuseMore(call, `argument ${list.length + 1}, ${describe(args[list.length])}`, usage);
    }
    return run(...args);
  };
  return checked as unknown as F;
}

/** Throws L124 or L125 unless `value`, the argument `name` of `call`, is of this kind. */
export function checkValue(call: string, name: string, value: unknown, kind: Kind): void {
  if (!kind.holds(value)) {
    const odd = kind.keys && oddKey(value, kind.keys);
    if (odd) refuseMore(call, `option ${odd} of ${name}`, kind.example);
    const args = { call, expected: kind.words, argument: name, got: describe(value), remedy: kind.example };
    throw new LamellaError('L124', args, { site: capture()() });
  }
  if (!kind.options || value === undefined) return;
  const given = value as Readonly<Record<string, unknown>>;
  const known = Object.keys(kind.options);
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    refuseMore(call, `option ${option}`, nearest(option, known) ?? known.join(', '));
  }
  for (const [option, inner] of Object.entries(kind.options)) checkValue(call, option, given[option], inner);
}

/** An extra key of a copy of an original; undefined if `value` is not such a copy. */
function oddKey(value: unknown, keys: readonly string[]): string | undefined {
  if (!isPlainObject(value) || !keys.every((key) => key in value)) return undefined;
  return Object.keys(value).find((key) => !keys.includes(key));
}

function refuseMore(call: string, what: string, remedy: string): never {
  throw new LamellaError('L125', { call, what, remedy }, { site: capture()() });
}

/**
 * Whether `value` is a list whose elements all satisfy `holds`. A gap, as in `[0, , 1]`, counts as
 * undefined.
 */
export function isListOf(value: unknown, holds: (each: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && Array.from(value).every((each) => holds(each));
}

function isAxis(value: unknown): value is Axis {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('size' in value)) return false;
  const isAlone = Object.keys(value).length === 2;
  return isAlone && typeof value.name === 'string' && isAxisName(value.name) && typeof value.size === 'number';
}

export function isPlainObject(node: unknown): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null && Object.getPrototypeOf(node) === Object.prototype;
}
