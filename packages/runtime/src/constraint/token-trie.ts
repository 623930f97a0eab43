/**
 * The bytes of all tokens of a tokenizer, as a trie in preorder: a walk visits the nodes in the
 * order of their numbers and skips the subtree of a refused byte by going to its end. (The layout
 * of llguidance's `toktrie`, in typed arrays.)
 */
import { SPECIAL, specialBytes } from './grammar.ts';

/** The bytes of a token by id; null if the token has no text (a special token, or no token). */
export type BytesOf = (id: number) => ArrayLike<number> | null;

export class TokenTrie {
  readonly vocab: number;
  /** By node: its byte, its depth, and the node after its subtree. Node 0 is the root. */
  readonly byte: Uint8Array;
  readonly depth: Uint16Array;
  readonly after: Uint32Array;
  /**
   * By node: the tokens that end there are `tokens` from `firstToken[node]` to that of the next
   * node.
   */
  readonly firstToken: Uint32Array;
  readonly tokens: Uint32Array;
  /** By byte: 1 if a token is this byte alone. Then every text of such bytes can be written. */
  readonly alone = new Uint8Array(256);
  readonly #start: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(vocab: number, bytesOf: BytesOf) {
    this.vocab = vocab;
    const all = Array.from({ length: vocab }, (_, id) => {
      const bytes = bytesOf(id);
      // Only special tokens begin with the byte that marks them, which no text contains.
      return bytes ? (Array.prototype.includes.call(bytes, SPECIAL) ? [] : bytes) : specialBytes(id);
    });
    this.#start = new Uint32Array(vocab + 1);
    for (let id = 0; id < vocab; id++) this.#start[id + 1] = this.#start[id]! + all[id]!.length;
    this.#bytes = new Uint8Array(this.#start[vocab]!);
    for (let id = 0; id < vocab; id++) {
      this.#bytes.set(all[id]!, this.#start[id]!);
      if (all[id]!.length === 1) this.alone[all[id]![0]!] = 1;
    }
    const nodes = new Nodes(this.#bytes.length + 1);
    const last = Uint32Array.from({ length: vocab }, (_, id) => nodes.add(this.bytesOf(id)));

    // The nodes in preorder.
    const { size } = nodes;
    this.byte = new Uint8Array(size);
    this.depth = new Uint16Array(size);
    this.after = new Uint32Array(size);
    const place = new Uint32Array(size);
    const path: number[] = [];
    let count = 0;
    for (let node = 0; ; ) {
      place[node] = count;
      this.byte[count] = nodes.byte[node]!;
      this.depth[count++] = path.length;
      path.push(node);
      let next = nodes.firstChild[node]!;
      while (next === 0 && path.length > 0) {
        const done = path.pop()!;
        this.after[place[done]!] = count;
        next = nodes.nextSibling[done]!;
      }
      if (next === 0) break;
      node = next;
    }

    // The tokens by node: their numbers, added up, are the places where the lists begin.
    this.firstToken = new Uint32Array(size + 1);
    for (let id = 0; id < vocab; id++) if (last[id] !== 0) this.firstToken[place[last[id]!]! + 1]!++;
    for (let node = 0; node < size; node++) this.firstToken[node + 1]! += this.firstToken[node]!;
    this.tokens = new Uint32Array(this.firstToken[size]!);
    const free = this.firstToken.slice();
    for (let id = 0; id < vocab; id++) if (last[id] !== 0) this.tokens[free[place[last[id]!]!]!++] = id;
  }

  /** The node below `node` with this byte; 0 if there is none. */
  child(node: number, byte: number): number {
    const end = this.after[node]!;
    for (let child = node + 1; child < end; child = this.after[child]!) if (this.byte[child] === byte) return child;
    return 0;
  }

  /** The bytes of a token. */
  bytesOf(id: number): Uint8Array {
    return this.#bytes.subarray(this.#start[id]!, this.#start[id + 1]!);
  }
}

/** The nodes of a trie in the order in which they are added. */
class Nodes {
  size = 1;
  readonly byte: Uint8Array;
  readonly firstChild: Uint32Array;
  readonly nextSibling: Uint32Array;
  readonly #parent: Uint32Array;
  /** Children at the hash of parent and byte, or in the next free slot after it. */
  readonly #table: Uint32Array;

  constructor(most: number) {
    this.byte = new Uint8Array(most);
    this.firstChild = new Uint32Array(most);
    this.nextSibling = new Uint32Array(most);
    this.#parent = new Uint32Array(most);
    this.#table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * most)));
  }

  /** The node of a text. */
  add(bytes: Uint8Array): number {
    let node = 0;
    for (let i = 0; i < bytes.length; i++) node = this.#child(node, bytes[i]!);
    return node;
  }

  #child(parent: number, byte: number): number {
    const mask = this.#table.length - 1;
    const hash = Math.imul(parent * 256 + byte, 0x9e3779b1);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const child = this.#table[slot]!;
      if (this.#parent[child] === parent && this.byte[child] === byte) return child;
    }
    const child = this.size++;
    this.#table[slot] = child;
    this.#parent[child] = parent;
    this.byte[child] = byte;
    this.nextSibling[child] = this.firstChild[parent]!;
    this.firstChild[parent] = child;
    return child;
  }
}
