/**
 * Parses the values of options. A value outside the contract is refused with the allowed values. An
 * option that the contract has but this version does not support is refused as such, never ignored.
 */
import { LamellaError } from '@lamella/graph/diagnostics';

/** A whole number of at least `least`. */
export function wholeNumber(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new LamellaError('L303', { option, value: quoted(text), remedy: `a whole number of at least ${least}` });
    }
    return value;
  };
}

/** A finite number for which `holds` is true; `range` describes the range in words. */
export function number(option: string, range: string, holds: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || !holds(value)) {
      throw new LamellaError('L303', { option, value: quoted(text), remedy: range });
    }
    return value;
  };
}

/** Token ids as `1,2,3`. An empty text is an empty prompt, which the package refuses. */
export function tokenIds(option: string): (text: string) => number[] {
  return (text) => {
    if (text.trim() === '') return [];
    return text.split(',').map((part) => {
      const id = part.trim();
      if (!/^\d+$/.test(id)) {
        throw new LamellaError('L303', {
          option,
          value: quoted(text),
          remedy: 'token ids between commas, such as 1,2,3',
        });
      }
      return Number(id);
    });
  };
}

/** A path. An empty one is refused: the system would take it for the working folder. */
export function path(option: string): (text: string) => string {
  return named(option, 'a path');
}

/** A text that is not empty; `what` describes it. */
export function named(option: string, what: string): (text: string) => string {
  return (text) => {
    if (text === '') throw new LamellaError('L303', { option, value: quoted(text), remedy: what });
    return text;
  };
}

/** One of `values`. */
export function choice<const T extends string>(option: string, values: readonly T[]) {
  return (text: string): T => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new LamellaError('L303', { option, value: quoted(text), remedy: values.join(', ') });
  };
}

/** An option of the contract that this version does not support. */
export function laterOption(what: string, remedy: string): () => never {
  return () => {
    throw new LamellaError('L304', { what, reason: 'this version does not have it', remedy });
  };
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}
