/**
 * A grammar over bytes: a recursive transition network (Woods, "Transition Network Grammars for
 * Natural Language Analysis", 1970). Each rule is a nondeterministic automaton whose edges read a
 * byte or call a rule, so regular parts (keys, numbers, patterns) are plain automata and only
 * nested values need a stack. Parts are built from a state onwards and return the state after them.
 *
 * A special token, which has no text, is spelled as the byte 0xff, which UTF-8 never contains, and
 * its id in three bytes.
 */
import { byteRanges, type CodePoints } from './utf8.ts';

/** A state of the network. */
export type State = number;
/** Builds a part from a state onwards and returns the state after it. */
export type Part = (from: State) => State;

export interface Rule {
  readonly start: State;
  readonly end: State;
}

interface ByteEdge {
  readonly first: number;
  readonly last: number;
  readonly to: State;
  /** Whether it is part of a special token, which exists although no text has its bytes. */
  readonly special: boolean;
}

interface CallEdge {
  readonly rule: Rule;
  readonly to: State;
}

/** The most states of a grammar: some hundred MB of memory at most. */
const MOST_STATES = 400_000;

const encoder = new TextEncoder();

/** A grammar with too many states. */
export class TooLarge extends Error {}

export class Grammar {
  readonly empty: State[][] = [];
  readonly bytes: ByteEdge[][] = [];
  readonly calls: CallEdge[][] = [];
  readonly ends = new Set<State>();

  state(): State {
    if (this.empty.length >= MOST_STATES) throw new TooLarge();
    this.empty.push([]);
    this.bytes.push([]);
    return this.calls.push([]) - 1;
  }

  /** A new rule; `build` adds its part. */
  rule(): Rule & { build(part: Part): void } {
    const [start, end] = [this.state(), this.state()];
    this.ends.add(end);
    return { start, end, build: (part) => this.join(part(start), end) };
  }

  join(from: State, to: State): void {
    this.empty[from]!.push(to);
  }

  /** Calls a rule. */
  call(rule: Rule): Part {
    return (from) => {
      const to = this.state();
      this.calls[from]!.push({ rule, to });
      return to;
    };
  }

  literal(text: string): Part {
    return this.#bytes(encoder.encode(text), false);
  }

  /** A special token. */
  special(id: number): Part {
    return this.#bytes(specialBytes(id), true);
  }

  #bytes(bytes: ArrayLike<number>, special: boolean): Part {
    return (from) => {
      let at = from;
      for (let i = 0; i < bytes.length; i++) {
        const to = this.state();
        this.bytes[at]!.push({ first: bytes[i]!, last: bytes[i]!, to, special });
        at = to;
      }
      return at;
    };
  }

  /** One character of a set, in UTF-8. */
  character(set: CodePoints): Part {
    const sequences = byteRanges(set);
    return (from) => {
      const to = this.state();
      for (const sequence of sequences) {
        let at = from;
        sequence.forEach(([first, last], i) => {
          const next = i === sequence.length - 1 ? to : this.state();
          this.bytes[at]!.push({ first, last, to: next, special: false });
          at = next;
        });
      }
      return to;
    };
  }

  sequence(...parts: readonly Part[]): Part {
    return (from) => parts.reduce((at, part) => part(at), from);
  }

  /** One of some parts; without any, nothing can follow. */
  either(...parts: readonly Part[]): Part {
    if (parts.length === 1) return parts[0]!;
    return (from) => {
      const to = this.state();
      for (const part of parts) {
        const own = this.state();
        this.join(from, own);
        this.join(part(own), to);
      }
      return to;
    };
  }

  optional(part: Part): Part {
    return this.repeat(part, 0, 1);
  }

  /** A part `least` to `most` times; `most` may be Infinity. */
  repeat(part: Part, least: number, most: number): Part {
    return (from) => {
      let at = from;
      for (let i = 0; i < least; i++) at = part(at);
      const to = this.state();
      if (most === Number.POSITIVE_INFINITY) {
        this.join(at, to);
        this.join(part(to), to);
        return to;
      }
      for (let i = least; i < most; i++) {
        this.join(at, to);
        const own = this.state();
        this.join(at, own);
        at = part(own);
      }
      this.join(at, to);
      return to;
    };
  }
}

/** The first byte of special tokens. */
export const SPECIAL = 0xff;

/** The spelling of a special token. */
export function specialBytes(id: number): number[] {
  return [SPECIAL, (id >> 16) & 255, (id >> 8) & 255, id & 255];
}
