/**
 * Sharing orders: which weight set each execution of a stack uses. The count given to `stack` always means weight sets; an order says how
 * often and in which sequence they run. MobileLLM (arXiv 2402.14905, section 3.4 and table 2) compares the first three.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { SharingOrder } from '@lamella/graph/ir';
import { declared, isListOf, type Kind, number } from './arguments.ts';
import { isOriginal, original } from './original.ts';
import { type Capture, capture } from './site.ts';

/** A sharing order, before it knows how many weight sets there are. */
export interface Sharing extends SharingOrder {
  /** Indices of the weight sets in execution order. */
  readonly indices: (count: number) => readonly number[];
  /** How many of them there are. */
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

/** A sharing order, made by one of the functions of `share`. */
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

/** `none()` A B C · `immediate(2)` A A B B C C · `cycle(2)` A B C A B C · `reverse()` A B C C B A · `order([0, 1, 0])` anything. */
export const share = {
  /** Each weight set once, as without an order. */
  none: declared('share.none', {}, (): Sharing => unshared),
  /** Each weight set `repeats` times in a row: its weights are still in fast memory when they are used again. */
  immediate: declared(
    'share.immediate',
    { repeats: number('share.immediate(2)') },
    (repeats: number): Sharing =>
      repeating('immediate', repeats, capture(), (count) => range(count).flatMap((i) => times(repeats).map(() => i))),
  ),
  /** All weight sets in turn, `repeats` times over (the paper's repeat-all-over). */
  cycle: declared(
    'share.cycle',
    { repeats: number('share.cycle(2)') },
    (repeats: number): Sharing =>
      repeating('cycle', repeats, capture(), (count) => times(repeats).flatMap(() => range(count))),
  ),
  /** All weight sets forwards, then backwards. */
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
  /** Exactly these weight sets. Every one must run at least once. */
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
