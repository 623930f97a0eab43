/**
 * The texts of all tokens: UTF-8 bytes in the order of their ids, and a hash table from text to id.
 * Texts become strings only when they are decoded: a `Map` of Gemma 3's 262,144 strings takes
 * longer to build than the rest of the tokenizer.
 */
import type { ByteReader } from './byte-reader.ts';
import { maxId, refuse } from './part.ts';

const encoder = new TextEncoder();
// A U+FEFF at the start is text, not a byte order mark.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class Vocabulary {
  /** Number of tokens. */
  readonly count: number;
  /** All ids are below this. */
  readonly end: number;
  /** Bytes of each text plus 1; 0 for an id without a token. */
  readonly #lengths: Int32Array;
  readonly #starts: Int32Array;
  readonly #texts: Uint8Array;
  /** Ids plus 1, or 0, at the hash of their text or in the next free slot after it. */
  readonly #table: Int32Array;
  /** A text to look up. It holds any text with at most as many UTF-16 units as the longest token has bytes. */
  readonly #wanted: Uint8Array;
  readonly #longest: number;

  constructor(file: ByteReader) {
    this.end = file.number();
    if (this.end > maxId) refuse('vocabulary', `it has more than ${maxId} ids`);
    this.#lengths = file.numbers(this.end);
    this.#starts = new Int32Array(this.end);
    let [count, longest, bytes] = [0, 0, 0];
    for (let id = 0; id < this.end; id++) {
      const length = this.#lengths[id]! - 1;
      this.#starts[id] = bytes;
      if (length < 0) continue;
      count++;
      bytes += length;
      longest = Math.max(longest, length);
    }
    this.count = count;
    this.#texts = file.bytes(bytes);
    this.#longest = longest;
    this.#wanted = new Uint8Array(3 * longest);
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
    for (let id = 0; id < this.end; id++) {
      if (!this.has(id)) continue;
      const slot = this.#slotOf(this.#texts, this.#starts[id]!, this.bytesOf(id));
      if (this.#table[slot] !== 0)
        refuse('vocabulary', `the ids ${this.#table[slot]! - 1} and ${id} have the same text`);
      this.#table[slot] = id + 1;
    }
  }

  has(id: number): boolean {
    return id >= 0 && id < this.end && this.#lengths[id]! > 0;
  }

  /** Length of a token's text in UTF-8. */
  bytesOf(id: number): number {
    return this.#lengths[id]! - 1;
  }

  textOf(id: number): string | undefined {
    if (!this.has(id)) return undefined;
    const start = this.#starts[id]!;
    return utf8.decode(this.#texts.subarray(start, start + this.bytesOf(id)));
  }

  idOf(text: string): number | undefined {
    if (text.length > this.#longest) return undefined;
    return this.#found(encoder.encodeInto(text, this.#wanted).written);
  }

  /**
   * The id of the text of `left` followed by the text of `right`, which must begin with `prefix`
   * and is used without it.
   */
  joined(left: number, right: number, prefix: Uint8Array): number | undefined {
    const [texts, wanted] = [this.#texts, this.#wanted];
    const [start, bytes] = [this.#starts[right]!, this.bytesOf(right)];
    const total = this.bytesOf(left) + bytes - prefix.length;
    if (bytes < prefix.length || total > this.#longest) return undefined;
    for (let i = 0; i < prefix.length; i++) if (texts[start + i] !== prefix[i]) return undefined;
    let at = 0;
    for (let i = this.#starts[left]!, end = i + this.bytesOf(left); i < end; i++) wanted[at++] = texts[i]!;
    for (let i = start + prefix.length; at < total; i++) wanted[at++] = texts[i]!;
    return this.#found(total);
  }

  /** The id of the text in the first `bytes` bytes of `#wanted`. */
  #found(bytes: number): number | undefined {
    const stored = this.#table[this.#slotOf(this.#wanted, 0, bytes)]!;
    return stored === 0 ? undefined : stored - 1;
  }

  /** The slot of a text, or the free slot where it would be. */
  #slotOf(bytes: Uint8Array, start: number, length: number): number {
    const [table, texts] = [this.#table, this.#texts];
    const mask = table.length - 1;
    // FNV-1a, with its high bits folded into the low ones.
    let hash = 0x811c9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[start + i]!, 0x01000193);
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot]! - 1;
      if (id < 0) return slot;
      if (this.bytesOf(id) !== length) continue;
      const other = this.#starts[id]!;
      let same = 0;
      while (same < length && bytes[start + same] === texts[other + same]) same++;
      if (same === length) return slot;
    }
  }
}
