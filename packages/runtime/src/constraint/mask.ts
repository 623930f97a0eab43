/**
 * Which tokens may follow a position. A token that ends inside the innermost rule is allowed or not
 * whatever follows that rule, so the walk over all tokens is done once for each state of a rule and
 * kept; for a position only the tokens that go past the end of its rule are walked again. (The
 * division into context-independent and context-dependent tokens is that of XGrammar, Dong et al.,
 * arXiv 2411.15100.)
 */
import { type Automaton, OUTSIDE, type Position, type RuleState } from './automaton.ts';
import type { TokenTrie } from './token-trie.ts';

/** The tokens of a rule's state. */
interface Inside {
  /** Bits of the tokens that end inside the rule or exactly at its end. */
  readonly tokens: Uint32Array;
  /** The nodes of the trie, other than the root, at which the rule may end. */
  readonly exits: Uint32Array;
}

/** Bytes of kept tokens of states, before all are forgotten. */
const MOST_BYTES = 16 * 2 ** 20;

export class TokenMask {
  readonly #trie: TokenTrie;
  readonly #automaton: Automaton;
  /** u32 [vocab / 32]: a bit per token. The next call overwrites it. */
  readonly #bits: Uint32Array;
  readonly #inside = new Map<RuleState, Inside>();
  #bytes = 0;
  /** Numbers of the positions from the root to the current node, by depth. */
  readonly #path: Int32Array;

  constructor(trie: TokenTrie, automaton: Automaton) {
    this.#trie = trie;
    this.#automaton = automaton;
    this.#bits = new Uint32Array(Math.ceil(trie.vocab / 32));
    this.#path = new Int32Array(trie.depth.reduce((most, depth) => Math.max(most, depth), 0) + 1);
  }

  /** Bits of the tokens that may follow. */
  at(position: Position): Uint32Array {
    this.#automaton.tidy();
    this.#bits.fill(0);
    this.#add(position.stacks);
    return this.#bits;
  }

  /** The same, without the tokens after which a position does not satisfy `fits`. */
  within(position: Position, fits: (next: Position) => boolean): Uint32Array {
    this.#automaton.tidy();
    this.#bits.fill(0);
    this.#walk(position, 0, this.#bits, fits);
    return this.#bits;
  }

  #add(stacks: Position['stacks']): void {
    for (const { state, under } of stacks) {
      const { tokens, exits } = this.#insideOf(state);
      for (let i = 0; i < tokens.length; i++) this.#bits[i]! |= tokens[i]!;
      if (under === null || under === OUTSIDE) continue;
      const outer = this.#automaton.position([under]);
      for (const exit of exits) this.#walk(outer, exit, this.#bits);
      if (state.ends) this.#add([under]);
    }
  }

  #insideOf(state: RuleState): Inside {
    const known = this.#inside.get(state);
    if (known) return known;
    const tokens = new Uint32Array(this.#bits.length);
    const exits: number[] = [];
    this.#walk(this.#automaton.inside(state), 0, tokens, ({ leaves }, node) => {
      if (leaves) exits.push(node);
      return true;
    });
    const inside = { tokens, exits: Uint32Array.from(exits) };
    this.#bytes += 4 * (tokens.length + exits.length);
    if (this.#bytes > MOST_BYTES) {
      this.#inside.clear();
      this.#bytes = 0;
    }
    this.#inside.set(state, inside);
    return inside;
  }

  /**
   * Sets the bits of the tokens below `from` that may follow `position`, which is at `from`, and
   * whose position satisfies `holds`.
   */
  #walk(position: Position, from: number, bits: Uint32Array, holds?: (next: Position, node: number) => boolean): void {
    const { byte, depth, after, firstToken, tokens } = this.#trie;
    const [automaton, path, end] = [this.#automaton, this.#path, after[from]!];
    path[depth[from]!] = automaton.numberOf(position);
    for (let node = from + 1; node < end; ) {
      const at = depth[node]!;
      const next = automaton.next(path[at - 1]!, byte[node]!);
      if (next < 0) {
        node = after[node]!;
        continue;
      }
      path[at] = next;
      if (!holds || holds(automaton.numbered(next), node))
        for (let i = firstToken[node]!; i < firstToken[node + 1]!; i++)
          bits[tokens[i]! >> 5]! |= 1 << (tokens[i]! & 31);
      node++;
    }
  }
}
