/**
 * Reads the numbers and texts of a packed tokenizer (`pack.ts`) one after another. Each read is
 * checked, so that a damaged file is refused and allocates no more than a sound file of its length.
 */
import { refuse } from './part.ts';

/** Numbers are below 2^28: four bytes with seven bits each, the lowest bits first (LEB128). */
const maxBits = 28;

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < maxBits; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? refuse(this.#place(), 'the file ends too early');
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return refuse(this.#place(), 'a number has too many bytes');
  }

  numbers(count: number): Int32Array {
    this.#demand(count); // each has at least one byte
    const values = new Int32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.number();
    return values;
  }

  /**
   * Numbers stored as differences from the one before, the first from -1: a difference n >= 0 as
   * 2n, others as -2n - 1. Each result must be at least 0 and below `limit`.
   */
  differences(count: number, limit: number): Int32Array {
    const values = this.numbers(count);
    let value = -1;
    for (let i = 0; i < count; i++) {
      const stored = values[i]!;
      value += stored % 2 === 0 ? stored / 2 : -(stored + 1) / 2;
      if (value < 0 || value >= limit) refuse(this.#place(), `${value} is not from 0 to ${limit - 1}`);
      values[i] = value;
    }
    return values;
  }

  /** The next bytes, not copied. */
  bytes(count: number): Uint8Array {
    this.#demand(count);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** Refuses bytes after the last part. */
  end(): void {
    if (this.#at < this.#bytes.length) refuse(this.#place(), 'the file continues after its last part');
  }

  #demand(count: number): void {
    if (count > this.#bytes.length - this.#at) refuse(this.#place(), 'the file ends too early');
  }

  #place(): string {
    return `byte ${this.#at}`;
  }
}
