/**
 * Texts that match several regular expressions: the product of their deterministic automata (Rabin
 * and Scott, "Finite automata and their decision problems", 1959). Look-ahead at the beginning of
 * an expression is one more automaton of the product, complemented if it is negative.
 */
import type { Grammar, Part, State } from './grammar.ts';
import { type Builder, NotRegular, regexPart } from './regex.ts';
import { type CodePoints, everyCodePoint } from './utf8.ts';

/** A nondeterministic automaton over code points. */
export interface Factor {
  /** Whether the texts are meant that it does not accept. */
  readonly isNegated: boolean;
  readonly empty: number[][];
  readonly edges: { readonly set: CodePoints; readonly to: number }[][];
  readonly start: number;
  readonly end: number;
}

/** The automata of an expression: its own, and one for each look-ahead at its beginning. */
export function factorsOf(pattern: string): Factor[] {
  const factors: Factor[] = [];
  let rest = pattern;
  for (let ahead = aheadIn(rest); ahead; ahead = aheadIn(rest)) {
    const { isNegated, inside } = ahead;
    factors.push(factorOf(isNegated, (build) => regexPart(alternatives(inside), true, build)));
    rest = ahead.rest;
  }
  if (factors.length > 0 && closing(rest, 0, '|') < rest.length)
    throw new NotRegular('look-ahead in one of several alternatives');
  return [factorOf(false, (build) => regexPart(rest, true, build)), ...factors];
}

/** The texts of `least` to `most` characters. */
export function lengthFactor(least: number, most: number): Factor {
  return factorOf(false, ({ repeat, character }) => repeat(character(everyCodePoint), least, most));
}

/** The texts that all factors accept, with `character` for a character of a set. */
export function intersection(grammar: Grammar, factors: readonly Factor[], character: (set: CodePoints) => Part): Part {
  return (from) => {
    const to = grammar.state();
    const states = new Map<string, State>();
    const open: { readonly at: State; readonly members: readonly (readonly number[])[] }[] = [];
    const stateOf = (members: readonly (readonly number[])[]): State => {
      const key = members.join('|');
      const known = states.get(key);
      if (known !== undefined) return known;
      const at = grammar.state();
      states.set(key, at);
      open.push({ at, members });
      if (factors.every(({ end, isNegated }, i) => members[i]!.includes(end) !== isNegated)) grammar.join(at, to);
      return at;
    };
    grammar.join(from, stateOf(factors.map((factor) => closure(factor, [factor.start]))));
    for (let next = open.pop(); next; next = open.pop()) {
      const edges = factors.map((factor, i) => next!.members[i]!.flatMap((member) => factor.edges[member]!));
      // Between two limits, every character has the same edges.
      const ranges = edges.flat().flatMap(({ set }) => set);
      const limits = [...new Set(ranges.flatMap(([first, last]) => [first, last + 1]))].sort((a, b) => a - b);
      const targets = new Map<State, (readonly [number, number])[]>();
      limits.slice(0, -1).forEach((first, i) => {
        const holds = (set: CodePoints) => set.some(([from, last]) => from <= first && first <= last);
        const reached = edges.map((all) => all.filter(({ set }) => holds(set)).map(({ to }) => to));
        if (factors.some(({ isNegated }, f) => !isNegated && reached[f]!.length === 0)) return;
        const target = stateOf(factors.map((factor, f) => closure(factor, reached[f]!)));
        targets.set(target, [...(targets.get(target) ?? []), [first, limits[i + 1]! - 1]]);
      });
      for (const [target, set] of targets) grammar.join(character(set)(next.at), target);
    }
    return to;
  };
}

function factorOf(isNegated: boolean, read: (build: Builder<Part>) => Part): Factor {
  const empty: number[][] = [];
  const edges: Factor['edges'] = [];
  const state = () => {
    empty.push([]);
    return edges.push([]) - 1;
  };
  const sequence =
    (...parts: Part[]): Part =>
    (from) =>
      parts.reduce((at, part) => part(at), from);
  const either =
    (...parts: Part[]): Part =>
    (from) => {
      const to = state();
      for (const part of parts) empty[part(from)]!.push(to);
      return to;
    };
  const build: Builder<Part> = {
    sequence,
    either,
    character: (set) => (from) => {
      const to = state();
      edges[from]!.push({ set, to });
      return to;
    },
    repeat: (part, least, most) => (from) => {
      let at = from;
      for (let i = 0; i < least; i++) at = part(at);
      const to = state();
      empty[at]!.push(to);
      if (most === Number.POSITIVE_INFINITY) empty[part(to)]!.push(to);
      else
        for (let i = least; i < most; i++) {
          at = part(at);
          empty[at]!.push(to);
        }
      return to;
    },
  };
  const start = state();
  // The end is a state of its own: a loop may lead back to the last state of a part.
  const last = read(build)(start);
  const end = state();
  empty[last]!.push(end);
  return { isNegated, empty, edges, start, end };
}

/** The states and all that follow without a character, in order. */
function closure({ empty }: Factor, from: readonly number[]): number[] {
  const members = new Set<number>();
  const open = [...from];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (members.has(state)) continue;
    members.add(state);
    open.push(...empty[state]!);
  }
  return [...members].sort((a, b) => a - b);
}

/** The look-ahead right behind the anchor at the beginning of a pattern. */
function aheadIn(
  pattern: string,
): { readonly isNegated: boolean; readonly inside: string; readonly rest: string } | null {
  const [opening, kind] = /^\^\(\?([!=])/.exec(pattern) ?? [];
  if (opening === undefined) return null;
  const end = closing(pattern, opening.length, ')');
  return {
    isNegated: kind === '!',
    inside: pattern.slice(opening.length, end),
    rest: `^${pattern.slice(end + 1)}`,
  };
}

/** An expression with each of its alternatives anchored at the beginning. */
function alternatives(inside: string): string {
  const end = closing(inside, 0, '|');
  const rest = inside.slice(end + 1);
  return `^${inside.slice(0, end)}${end < inside.length ? `|${alternatives(rest)}` : ''}`;
}

/** Where `sought` stands from `at` on, outside of groups and classes; the length if nowhere. */
function closing(pattern: string, at: number, sought: string): number {
  let [depth, inClass] = [0, false];
  for (let i = at; i < pattern.length; i++) {
    const character = pattern[i]!;
    if (character === '\\') i++;
    else if (inClass) inClass = character !== ']';
    else if (character === sought && depth === 0) return i;
    else if (character === '[') inClass = true;
    else if (character === '(') depth++;
    else if (character === ')') depth--;
  }
  return pattern.length;
}
