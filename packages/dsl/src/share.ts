/**
 * Sharing orders: the weight set of each execution of a stack. The count of `stack` is the number
 * of weight sets; the order says how often and in which sequence they run. MobileLLM (arXiv
 * 2402.14905, section 3.4 and table 2) compares `immediate`, `cycle` and `reverse`.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { SharingOrder } from '@lamella/graph/ir';
import { declared, isListOf, type Kind, number } from './arguments.ts';
import { isOriginal, original } from './original.ts';
import { type Capture, capture } from './site.ts';

/** A sharing order, for any number of weight sets. */
export interface Sharing extends SharingOrder {
  /** Indices of the weight sets in execution order. */
  readonly indices: (count: number) => readonly number[];
  /** The number of executions. */
  readonly executions: (count: number) => number;
  /** Throws L106, L107, L111. */
  readonly check: (count: number, place: string) => void;
}

/** Every weight set once: A B C. */
export const unshared: Sharing = original({
  kind: 'none',
  text: 'none',
  indices: range,
  executions: (count) => count,
  check: () => {},
} satisfies Sharing);

/** A result of one of the functions of `share`, as an argument. */
export const sharing: Kind = {
  words: 'a sharing order',
  example: 'share.immediate(2), share.cycle(2), share.reverse() or share.order([0, 1, 0])',
  keys: ['kind', 'text', 'indices', 'executions', 'check'],
  holds: (value) => isOriginal(value) && 'executions' in (value as object),
};

const indexList: Kind = {
  words: 'a list of numbers without gaps',
  example: 'share.order([0, 1, 0])',
  holds: (value) => isListOf(value, (each) => typeof each === 'number'),
};

/**
 * For weight sets A, B, C: `none()` A B C · `immediate(2)` A A B B C C · `cycle(2)` A B C A B C ·
 * `reverse()` A B C C B A · `order([...])` any list of indices.
 */
export const share = {
  /**
   * Each weight set once; the default.
   *
   * @example
   * stack(3, layer, share.none()); // A B C
   */
  none: declared('share.none', {}, (): Sharing => unshared),
  /**
   * Each weight set `repeats` times in a row, so that its weights are still in cache for the
   * repeats.
   *
   * @example
   * stack(3, layer, share.immediate(2)); // A A B B C C
   */
  immediate: declared(
    'share.immediate',
    { repeats: number('share.immediate(2)') },
    (repeats: number): Sharing =>
      repeating('immediate', repeats, capture(), (count) => range(count).flatMap((i) => times(repeats).map(() => i))),
  ),
  /**
   * All weight sets in order, repeated `repeats` times (the paper's repeat-all-over).
   *
   * @example
   * stack(3, layer, share.cycle(2)); // A B C A B C
   */
  cycle: declared(
    'share.cycle',
    { repeats: number('share.cycle(2)') },
    (repeats: number): Sharing =>
      repeating('cycle', repeats, capture(), (count) => times(repeats).flatMap(() => range(count))),
  ),
  /**
   * All weight sets forwards, then backwards.
   *
   * @example
   * stack(3, layer, share.reverse()); // A B C C B A
   */
  reverse: declared(
    'share.reverse',
    {},
    (): Sharing =>
      original({
        kind: 'reverse',
        text: 'reverse()',
        indices: (count) => [...range(count), ...range(count).toReversed()],
        executions: (count) => 2 * count,
        check: () => {},
      } satisfies Sharing),
  ),
  /**
   * The weight sets with these indices. Every weight set must run at least once.
   *
   * @example
   * stack(3, layer, share.order([0, 1, 2, 1])); // A B C B
   */
  order: declared('share.order', { indices: indexList }, (given: readonly number[]): Sharing => {
    const site = capture();
    const indices = [...given];
    const order: Sharing = {
      kind: 'order',
      text: `order([${indices.join(', ')}])`,
      indices: () => indices,
      executions: () => indices.length,
      check: (count, place) => {
        const where = { place, site: site() };
        const outside = indices.find((i) => !Number.isInteger(i) || i < 0 || i >= count);
        if (outside !== undefined) throw new LamellaError('L106', { index: outside, count, last: count - 1 }, where);
        const named = new Set(indices);
        const idle = range(count).find((i) => !named.has(i));
        if (idle !== undefined) throw new LamellaError('L107', { index: idle }, where);
      },
    };
    return original(order);
  }),
} as const;

function repeating(
  kind: 'immediate' | 'cycle',
  repeats: number,
  site: Capture,
  indices: (count: number) => readonly number[],
): Sharing {
  const check = (_count: number, place: string): void => {
    if (!isCount(repeats)) throw new LamellaError('L111', { value: repeats, kind }, { place, site: site() });
  };
  return original({ kind, text: `${kind}(${repeats})`, indices, executions: (count) => count * repeats, check });
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 1;
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

const times = range;
