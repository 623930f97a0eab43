/**
 * Ids by a key, the largest first and of equals the lowest id, as far as anybody asks: a heap, from which ids come off one at a time. All
 * arrays are made once.
 */
export class Ranking {
  /** The front is the heap; what came off lies at the end, best last. */
  readonly #ids: Uint32Array;
  #keys: Float64Array;
  #count = 0;
  #heapSize = 0;
  /** Whether the ids are those of all keys, in some order. */
  #hasAll = false;

  constructor(capacity: number) {
    this.#ids = new Uint32Array(capacity);
    this.#keys = new Float64Array(0);
  }

  /** How many ids are ranked. */
  get count(): number {
    return this.#count;
  }

  /** Ranks `ids` anew, or all that have a key; `keys[id]` is the key of an id. */
  start(keys: Float64Array, ids?: ArrayLike<number>): void {
    this.#keys = keys;
    this.#count = ids?.length ?? keys.length;
    this.#heapSize = this.#count;
    if (ids) for (let i = 0; i < this.#count; i++) this.#ids[i] = ids[i]!;
    // all of them are there already, and nearly in order where keys change little
    else if (!this.#hasAll) for (let i = 0; i < this.#count; i++) this.#ids[i] = i;
    this.#hasAll = !ids;
    for (let at = (this.#count >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The id with the `rank`-th largest key; taken off the heap when it is asked for the first time. */
  at(rank: number): number {
    while (this.#count - this.#heapSize <= rank) this.#pop();
    return this.#ids[this.#count - 1 - rank]!;
  }

  /** Moves the best id from the heap to the place just behind it. */
  #pop(): void {
    const ids = this.#ids;
    const id = ids[0]!;
    const end = --this.#heapSize;
    ids[0] = ids[end]!;
    ids[end] = id;
    this.#sink(0);
  }

  #sink(from: number): void {
    const ids = this.#ids;
    const id = ids[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heapSize) break;
      if (child + 1 < this.#heapSize && this.#better(ids[child + 1]!, ids[child]!)) child++;
      if (!this.#better(ids[child]!, id)) break;
      ids[at] = ids[child]!;
      at = child;
    }
    ids[at] = id;
  }

  /** A total order, so that the result does not depend on how the heap was built. */
  #better(a: number, b: number): boolean {
    const difference = this.#keys[a]! - this.#keys[b]!;
    return difference > 0 || (!(difference < 0) && a < b);
  }
}
