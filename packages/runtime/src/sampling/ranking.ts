/**
 * Ids ordered by a key, the largest first, and by id if keys are equal. It is a heap, so only the
 * requested ranks are computed. All arrays are allocated once.
 */
export class Ranking {
  /** The front is the heap; the removed ids lie at the end, best last. */
  readonly #ids: Uint32Array;
  #keys: Float64Array;
  #count = 0;
  #heapSize = 0;
  /** Whether `#ids` contains every id, in some order. */
  #hasAll = false;

  constructor(capacity: number) {
    this.#ids = new Uint32Array(capacity);
    this.#keys = new Float64Array(0);
  }

  /** Number of ranked ids. */
  get count(): number {
    return this.#count;
  }

  /** Ranks `ids`, or all ids with a key; `keys[id]` is the key of an id. */
  start(keys: Float64Array, ids?: ArrayLike<number>): void {
    this.#keys = keys;
    this.#count = ids?.length ?? keys.length;
    this.#heapSize = this.#count;
    if (ids) for (let i = 0; i < this.#count; i++) this.#ids[i] = ids[i]!;
    // All ids are there from the last call, and nearly in order if the keys have changed little.
    else if (!this.#hasAll) for (let i = 0; i < this.#count; i++) this.#ids[i] = i;
    this.#hasAll = !ids;
    for (let at = (this.#count >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The id with the `rank`-th largest key. Removes ids from the heap up to that rank. */
  at(rank: number): number {
    while (this.#count - this.#heapSize <= rank) this.#pop();
    return this.#ids[this.#count - 1 - rank]!;
  }

  /** Moves the best id from the heap to the place just after it. */
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
