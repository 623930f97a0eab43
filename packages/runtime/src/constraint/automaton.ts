/**
 * Runs a grammar. Every rule becomes a deterministic automaton, state by state, as it is reached
 * (subset construction), and a position in a text is a set of stacks of such states. Equal stacks
 * are one object and equal sets are one object, so each step is remembered and usually costs one
 * look-up. (Lazy determinisation as in RE2; sets of stacks as in generalised LR parsing: Lang,
 * "Deterministic techniques for efficient non-deterministic parsers", 1974.)
 *
 * States that cannot reach the end of their rule are left out, so every position can be completed.
 */
import type { Grammar, Rule, State } from './grammar.ts';

/** A state of a rule's deterministic automaton. */
export interface RuleState {
  readonly id: number;
  /** The states of the grammar that it stands for. */
  readonly members: readonly State[];
  /** Whether the rule may end here. */
  readonly ends: boolean;
  /** Bytes to the nearest end of the rule. */
  readonly distance: number;
  /** By byte. */
  readonly next: readonly (RuleState | undefined)[];
  readonly calls: readonly { readonly start: RuleState; readonly then: RuleState }[];
}

/** A state and the states that follow when its rule has ended, innermost first. */
interface Stack {
  readonly id: number;
  readonly state: RuleState;
  /** null at the outermost rule. */
  readonly under: Stack | typeof OUTSIDE | null;
  /** Bytes to the nearest end of all its rules. */
  readonly distance: number;
}

/** Under a stack: what follows the rule is left open. */
export const OUTSIDE = 'outside';
type Under = Stack['under'];

/** A position in a text. */
export interface Position {
  /** The stacks after the last byte. */
  readonly stacks: readonly Stack[];
  /** The same and all that follow without a byte: called rules, and what follows ended ones. */
  readonly reached: readonly Stack[];
  /** Whether the text may end here. */
  readonly complete: boolean;
  /** Whether the rule may end here whose continuation is left open. */
  readonly leaves: boolean;
  /** Bytes to the nearest end. */
  readonly distance: number;
}

/** Positions remembered before all are forgotten: 1 kB each. */
const MOST_POSITIONS = 5000;
/** In `next`: no text continues with this byte. */
const REFUSED = -1;

export class Automaton {
  readonly #grammar: Grammar;
  /** By state of the grammar: bytes to the end of its rule; Infinity if it cannot be reached. */
  readonly #distances: Float64Array;
  /** By byte: whether the tokens can spell it. */
  readonly #available: Uint8Array;
  readonly #states = new Map<string, RuleState>();
  readonly #stacks = new Map<string, Stack>();
  readonly #byKey = new Map<string, Position>();
  readonly #numbers = new Map<Position, number>();
  /** By number, from 1 on. */
  #positions: (Position | null)[] = [null];
  /**
   * i32 [positions, 256]: the number of the next position, 0 if it is not known yet, or REFUSED.
   */
  #next = new Int32Array(256 * 64);
  #stackIds = 0;

  /** `available` tells by byte whether it may be used. */
  constructor(grammar: Grammar, available: Uint8Array) {
    this.#grammar = grammar;
    this.#available = available;
    this.#distances = distances(grammar, available);
  }

  /** The beginning of a text of `rule`; null if no text satisfies it. */
  start(rule: Rule): Position | null {
    const state = this.#stateOf([rule.start]);
    return state ? this.position([this.#stack(state, null)]) : null;
  }

  /** The position in a rule with an open continuation. */
  inside(state: RuleState): Position {
    return this.position([this.#stack(state, OUTSIDE)]);
  }

  /** The position after one more byte; null if it is not allowed. */
  step(position: Position, byte: number): Position | null {
    const next = this.next(this.numberOf(position), byte);
    return next < 0 ? null : this.#positions[next]!;
  }

  /**
   * Forgets the remembered positions if they are many. Numbers of positions are valid until the
   * next call.
   */
  tidy(): void {
    if (this.#positions.length <= MOST_POSITIONS) return;
    this.#stacks.clear();
    this.#byKey.clear();
    this.#numbers.clear();
    this.#positions = [null];
    this.#next = new Int32Array(256 * 64);
  }

  /** The number of a position: above 0. */
  numberOf(position: Position): number {
    const known = this.#numbers.get(position);
    if (known !== undefined) return known;
    const number = this.#positions.push(position) - 1;
    this.#numbers.set(position, number);
    if (number * 256 >= this.#next.length) {
      const grown = new Int32Array(2 * this.#next.length);
      grown.set(this.#next);
      this.#next = grown;
    }
    return number;
  }

  /** The position with a number. */
  numbered(number: number): Position {
    return this.#positions[number]!;
  }

  /** The number of the position after one more byte; below 0 if it is not allowed. */
  next(number: number, byte: number): number {
    return this.#next[number * 256 + byte]! || this.#computed(number, byte);
  }

  #computed(number: number, byte: number): number {
    const stacks: Stack[] = [];
    for (const { state, under } of this.#positions[number]!.reached) {
      const next = state.next[byte];
      if (!next) continue;
      // After the last byte of a rule, its state is of no use any more.
      stacks.push(isLast(next) && under !== null && under !== OUTSIDE ? under : this.#stack(next, under));
    }
    const next = stacks.length === 0 ? REFUSED : this.numberOf(this.position(stacks));
    this.#next[number * 256 + byte] = next;
    return next;
  }

  /** The only byte that may follow; null if the text may end here, or several may follow. */
  onlyByte(position: Position): number | null {
    if (position.complete) return null;
    let only: number | null = null;
    for (const { state } of position.reached) {
      for (let byte = 0; byte < 256; byte++) {
        if (!state.next[byte] || byte === only) continue;
        if (only !== null) return null;
        only = byte;
      }
    }
    return only;
  }

  position(given: readonly Stack[]): Position {
    const stacks = given.length === 1 ? given : [...new Set(given)].sort((a, b) => a.id - b.id);
    const key = stacks.map(({ id }) => id).join();
    const known = this.#byKey.get(key);
    if (known) return known;
    const reached = new Set<Stack>();
    let [complete, leaves] = [false, false];
    const reach = (stack: Under): void => {
      if (stack === null) complete = true;
      else if (stack === OUTSIDE) leaves = true;
      else if (!reached.has(stack)) {
        reached.add(stack);
        const { state, under } = stack;
        if (state.ends) reach(under);
        for (const { start, then } of state.calls) {
          // A call at the end of a rule needs no stack of its own.
          reach(this.#stack(start, isLast(then) ? under : this.#stack(then, under)));
        }
      }
    };
    for (const stack of stacks) reach(stack);
    const distance = Math.min(...stacks.map(({ distance }) => distance));
    const position = { stacks, reached: [...reached], complete, leaves, distance };
    this.#byKey.set(key, position);
    return position;
  }

  #stack(state: RuleState, under: Under): Stack {
    const key = `${state.id},${under === null || under === OUTSIDE ? under : under.id}`;
    const known = this.#stacks.get(key);
    if (known) return known;
    const below = under === null || under === OUTSIDE ? 0 : under.distance;
    const stack = { id: this.#stackIds++, state, under, distance: state.distance + below };
    this.#stacks.set(key, stack);
    return stack;
  }

  /** The deterministic state for some states and all that follow without a byte or a call. */
  #stateOf(from: readonly State[]): RuleState | undefined {
    const { empty, ends } = this.#grammar;
    const members = new Set<State>();
    const open = [...from];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (members.has(state) || this.#distances[state] === Number.POSITIVE_INFINITY) continue;
      members.add(state);
      open.push(...empty[state]!);
    }
    if (members.size === 0) return undefined;
    const sorted = [...members].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#states.get(key);
    if (known) return known;
    let next: RuleState['next'] | null = null;
    let calls: RuleState['calls'] | null = null;
    const [nextOf, callsOf] = [() => this.#nextOf(sorted), () => this.#callsOf(sorted)];
    const state: RuleState = {
      id: this.#states.size,
      members: sorted,
      ends: sorted.some((state) => ends.has(state)),
      distance: Math.min(...sorted.map((state) => this.#distances[state]!)),
      get next() {
        next ??= nextOf();
        return next;
      },
      get calls() {
        calls ??= callsOf();
        return calls;
      },
    };
    this.#states.set(key, state);
    return state;
  }

  #nextOf(members: readonly State[]): RuleState['next'] {
    const edges = members.flatMap((state) => this.#grammar.bytes[state]!);
    // Between two limits, every byte has the same edges.
    const limits = [...new Set(edges.flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b);
    const next: (RuleState | undefined)[] = [];
    limits.forEach((from, i) => {
      const here = edges.filter(({ first, last }) => first <= from && from <= last);
      const state = this.#stateOf(here.map(({ to }) => to));
      if (!state) return;
      const special = here.some(({ special }) => special);
      for (let byte = from; byte < limits[i + 1]!; byte++) if (special || this.#available[byte]) next[byte] = state;
    });
    return next.length === 0 ? next : Array.from({ length: 256 }, (_, byte) => next[byte]);
  }

  #callsOf(members: readonly State[]): RuleState['calls'] {
    const targets = new Map<Rule, State[]>();
    for (const { rule, to } of members.flatMap((state) => this.#grammar.calls[state]!))
      targets.set(rule, [...(targets.get(rule) ?? []), to]);
    return [...targets].flatMap(([rule, to]) => {
      const [start, then] = [this.#stateOf([rule.start]), this.#stateOf(to)];
      return start && then ? [{ start, then }] : [];
    });
  }
}

/** Whether nothing but the end of its rule follows a state. */
const isLast = ({ ends, calls, next }: RuleState) => ends && calls.length === 0 && next.length === 0;

/** By state, the fewest bytes to the end of its rule; Infinity if it cannot be reached. */
function distances(grammar: Grammar, available: Uint8Array): Float64Array {
  const { empty, bytes, calls, ends } = grammar;
  const count = empty.length;
  const all = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  for (const end of ends) all[end] = 0;
  const some = (first: number, last: number) => available.subarray(first, last + 1).includes(1);
  for (let changed = true; changed; ) {
    changed = false;
    // Most edges lead to a later state, so one pass in this order settles most states.
    for (let state = count - 1; state >= 0; state--) {
      let least = all[state]!;
      for (const to of empty[state]!) least = Math.min(least, all[to]!);
      for (const { first, last, to, special } of bytes[state]!)
        if (all[to]! + 1 < least && (special || some(first, last))) least = all[to]! + 1;
      for (const { rule, to } of calls[state]!) least = Math.min(least, all[rule.start]! + all[to]!);
      if (least < all[state]!) {
        all[state] = least;
        changed = true;
      }
    }
  }
  return all;
}
