/**
 * How an answer ends when few tokens are left: every position has one way to the end, a shortest
 * text, and one list of tokens that writes it, the longest token first.
 *
 * Both depend on the position alone. So after the first token of a way, the rest is the way of the
 * position that it leads to, one token shorter: a constraint that only allows tokens behind which
 * the way fits can always go on, and ends in time.
 */
import type { Automaton, Position } from './automaton.ts';
import type { TokenTrie } from './token-trie.ts';

export class WayOut {
  readonly #automaton: Automaton;
  readonly #trie: TokenTrie;
  readonly #counts = new WeakMap<Position, number>();

  constructor(automaton: Automaton, trie: TokenTrie) {
    this.#automaton = automaton;
    this.#trie = trie;
  }

  /** Whether the way of `position` has at most `most` tokens. */
  fits(position: Position, most: number): boolean {
    // a token has at least one byte
    return position.distance <= most || (most > 0 && this.#count(position) <= most);
  }

  /** The number of tokens of the way. */
  #count(from: Position): number {
    const open: Position[] = [];
    let position = from;
    let count = 0;
    for (; position.distance > 0; position = this.#afterToken(position)) {
      const known = this.#counts.get(position);
      if (known !== undefined) {
        count = known;
        break;
      }
      open.push(position);
    }
    for (const each of open.reverse()) this.#counts.set(each, ++count);
    return count;
  }

  /** The position after the first token of the way: the longest one that begins its text. */
  #afterToken(from: Position): Position {
    const { firstToken } = this.#trie;
    let longest: Position | null = null;
    let position = from;
    for (let node = 0; position.distance > 0; ) {
      const byte = this.#nearer(position);
      node = this.#trie.child(node, byte);
      if (node === 0) break;
      position = this.#automaton.step(position, byte)!;
      if (firstToken[node]! < firstToken[node + 1]!) longest = position;
    }
    if (!longest) throw new Error('a byte of a grammar has no token');
    return longest;
  }

  /** The next byte of the way: the smallest that leads nearer to the end. */
  #nearer(position: Position): number {
    for (let byte = 0; byte < 256; byte++) {
      const next = this.#automaton.step(position, byte);
      if (next && next.distance < position.distance) return byte;
    }
    throw new Error('no byte leads to the end');
  }
}
