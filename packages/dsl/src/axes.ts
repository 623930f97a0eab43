/**
 * Named axes and their types. Sizes stay literal types (`const` type parameters), so the type
 * checker reports a wrong axis where it is written. The message is the parameter type itself: a
 * string literal in the false branch of a bare conditional type makes `tsc` print one line; an
 * intersection would make it print two.
 */

import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, Site } from '@lamella/graph/ir';
import { checkValue, declared, isPlainObject, type Kind, number } from './arguments.ts';
import { closed } from './closed.ts';
import { checkAxisName } from './names.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';

/** A named axis whose name and size are literal types, e.g. `Dim<'d', 576>`. */
export interface Dim<Name extends string = string, Size extends number = number> extends Axis {
  readonly name: Name;
  readonly size: Size;
}

type Dims<Sizes> = { readonly [Name in keyof Sizes & string]: Dim<Name, Sizes[Name] & number> };

/** The sizes of axes by name. */
const sizesByName: Kind = {
  words: 'an object of sizes',
  example: 'dims({ t: 512, d: 128 })',
  holds: (value) => isPlainObject(value),
};

/**
 * Names the axes of a model: `const { t, d } = dims({ t: 2048, d: 576 })`. The size of the token
 * axis is the longest sequence. Throws L102 if a size is not a positive integer, L126 if a name is
 * not a word, and L131 if a name is read from the result that was not given.
 *
 * @example
 * const { t, d, ff, vocab } = dims({ t: 512, d: 128, ff: 384, vocab: 1024 });
 */
export const dims = declared(
  'dims',
  { sizes: sizesByName },
  <const Sizes extends Readonly<Record<string, number>>>(sizes: Sizes): Dims<Sizes> => {
    const site = capture();
    const entries = Object.entries(sizes).map(([name, size]) => {
      checkAxisName(name, site);
      checkValue('dims', name, size, number(`dims({ ${name}: 512 })`));
      checkSize(name, size, { place: 'dims', site: site() });
      return [name, { name, size }] as const;
    });
    return closed(Object.fromEntries(entries) as Dims<Sizes>, (name, meant, at) => {
      const remedy = meant.join(', ') || 'dims({ t: 512, d: 128 })';
      return new LamellaError('L131', { source: 'dims was given', name, remedy }, { site: at });
    });
  },
);

/** Throws L102 unless `value` is a positive integer. */
export function checkSize(
  name: string,
  value: number,
  where: { readonly place: string; readonly site: Site | null },
): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new LamellaError('L102', { name, value }, where);
}

/** Whether two axes have the same name and size. */
export function sameAxis(a: Axis, b: Axis): boolean {
  return a.name === b.name && a.size === b.size;
}

export function sameAxes(a: readonly Axis[], b: readonly Axis[]): boolean {
  return a.length === b.length && a.every((axis, i) => sameAxis(axis, b[i]!));
}

/** `d=576` */
export function showAxis(axis: Axis): string {
  return `${axis.name}=${axis.size}`;
}

/** `[t=2048, d=576]` */
export function showAxes(axes: readonly Axis[]): string {
  return `[${axes.map(showAxis).join(', ')}]`;
}

/**
 * Whether `Got` can be `Want`: literal names and sizes must be equal. A size that is only known as
 * `number` is left to the run-time check.
 */
type Agrees<Got, Want> = [Got] extends [Want] ? true : [Want] extends [Got] ? true : false;

type Show<A extends Axis> = `${A['name']}=${A['size']}`;
type ShowAll<A extends readonly Axis[]> = A extends readonly [
  infer Head extends Axis,
  ...infer Rest extends readonly Axis[],
]
  ? Rest extends readonly []
    ? Show<Head>
    : `${Show<Head>}, ${ShowAll<Rest>}`
  : '';

/** The axes of a tensor. */
export type AxesOf<X> = X extends Tensor<infer A> ? A : readonly Axis[];
/** The token axis of a tensor [t, ...]. */
export type TokensOf<X> = AxesOf<X> extends readonly [infer T extends Axis, ...(readonly Axis[])] ? T : Axis;

/** Whether the type does not contain the number of axes; the run-time check decides then. */
type Untold<X> = number extends AxesOf<X>['length'] ? true : false;

/** Whether X is [t, Want]. */
type Takes<X, Want extends Axis> =
  Untold<X> extends true ? true : AxesOf<X> extends readonly [Axis, infer Got] ? Agrees<Got, Want> : false;

/** `X` if it is [t, Want]; otherwise the error message. */
export type Fit<X, Want extends Axis> =
  Takes<X, Want> extends true
    ? X
    : AxesOf<X> extends readonly [Axis, infer Got extends Axis]
      ? `L101 axis ${Show<Got>} does not fit: expected ${Show<Want>}`
      : `L101 axes [${ShowAll<AxesOf<X>>}] do not fit: expected [t, ${Show<Want>}]`;

/** `X` if it is [t, d] with any d; otherwise the error message. */
export type FitFeatures<X> =
  Untold<X> extends true
    ? X
    : AxesOf<X> extends readonly [Axis, Axis]
      ? X
      : `L101 axes [${ShowAll<AxesOf<X>>}] do not fit: expected [t, features]`;

/** `X` if it has the token axis of the keys and values [t, kv]; otherwise the error message. */
export type FitQueries<X, Keys extends readonly Axis[]> = [AxesOf<X>, Keys] extends [
  readonly [infer T extends Axis, Axis],
  readonly [infer Want extends Axis, Axis],
]
  ? Agrees<T, Want> extends true
    ? X
    : `L101 axis ${Show<T>} does not fit: expected ${Show<Want>}`
  : FitFeatures<X>;

/**
 * The result type of a layer from [t, In] to [t, Out] on X. After a mistake it fits any argument,
 * so that one mistake gives one error.
 */
export type Through<X, In extends Axis, Out extends Axis> = [AxesOf<X>] extends [never]
  ? Tensor<never>
  : Takes<X, In> extends true
    ? Tensor<readonly [TokensOf<X>, Out]>
    : Tensor<never>;

/** `X` if its axes are `Want`; otherwise the error message. */
export type FitAll<X, Want extends readonly Axis[]> = Agrees<AxesOf<X>, Want> extends true ? X : Misfit<X, Want>;

/** The result type of a stack on `Axes` on X, as `Through`. */
export type Along<X, Axes extends readonly Axis[]> =
  Agrees<AxesOf<X>, Axes> extends true ? Tensor<Axes> : Tensor<never>;

/** `F` if all blocks of the stack have the same axes; otherwise the error message. */
export type Uniform<All extends readonly Axis[], F> =
  Single<All> extends true ? F : 'L101 the blocks of one stack must take the same axes';

type Single<Member, All = Member> = Member extends unknown ? ([All] extends [Member] ? true : false) : never;

/** `F`, a function that returns `X`, if `X` has the axes `Want`; otherwise the error message. */
export type Adds<X, Want extends readonly Axis[], F> = Agrees<AxesOf<X>, Want> extends true ? F : Misfit<X, Want>;

type Misfit<X, Want extends readonly Axis[]> = [AxesOf<X>, Want] extends [
  readonly [infer T extends Axis, infer Got extends Axis],
  readonly [infer WantT extends Axis, infer WantGot extends Axis],
]
  ? Agrees<Got, WantGot> extends true
    ? `L101 axis ${Show<T>} does not fit: expected ${Show<WantT>}`
    : `L101 axis ${Show<Got>} does not fit: expected ${Show<WantGot>}`
  : `L101 axes [${ShowAll<AxesOf<X>>}] do not fit: expected [${ShowAll<Want>}]`;

/**
 * `F`, the body of a block on `Want` that returns `X`, if `X` has the same axes; otherwise the
 * error message.
 */
export type GivesBack<X, Want extends readonly Axis[], F> =
  Agrees<AxesOf<X>, Want> extends true
    ? F
    : `L108 a block must return the axes it takes: it takes [${ShowAll<Want>}] and returns [${ShowAll<AxesOf<X>>}]`;

/**
 * `F`, a function that returns `X`, if `X` can be logits [t, vocab]; otherwise the error message.
 */
export type GivesLogits<X, F> =
  Untold<X> extends true
    ? F
    : AxesOf<X> extends readonly [Axis, Axis]
      ? F
      : `L109 a model must return logits over its vocabulary: [${ShowAll<AxesOf<X>>}] was returned`;

/** `X` if it is token ids [t]; otherwise the error message. */
export type FitTokens<X> =
  Untold<X> extends true
    ? X
    : AxesOf<X> extends readonly [Axis]
      ? X
      : `L101 axes [${ShowAll<AxesOf<X>>}] do not fit: expected token ids [t]`;
