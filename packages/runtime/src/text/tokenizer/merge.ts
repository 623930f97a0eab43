/**
 * Merges neighbours in a list until no two can be merged: the pair with the lowest rank first, of
 * equals the leftmost. This is what BPE does to a word. The pairs are in a heap; a pair that has
 * lost a member is skipped.
 */

/** The result of merging two neighbours. Lower ranks are merged first. */
export interface Merged<T> {
  readonly rank: number;
  readonly symbol: T;
}

/** Pairs processed between two pauses. */
const pairsPerStep = 4096;
/** The key in the heap is rank * 2^30 + place. It is exact, because ranks are below 2^23. */
const places = 2 ** 30;

/** Merges in `symbols`, which it overwrites. Pauses now and then. */
export function* mergeAll<T>(
  symbols: T[],
  merged: (left: T, right: T) => Merged<T> | undefined,
): Generator<undefined, T[]> {
  const count = symbols.length;
  const next = new Int32Array(count).fill(-1);
  const previous = new Int32Array(count).fill(-1);
  for (let i = 1; i < count; i++) {
    next[i - 1] = i;
    previous[i] = i - 1;
  }
  const gone = new Uint8Array(count);
  const heap: number[] = [];
  const offer = (left: number): void => {
    const right = left < 0 ? -1 : next[left]!;
    const pair = right < 0 ? undefined : merged(symbols[left]!, symbols[right]!);
    if (pair) push(heap, pair.rank * places + left);
  };
  for (let i = 0; i + 1 < count; i++) {
    offer(i);
    if (i % pairsPerStep === pairsPerStep - 1) yield;
  }
  for (let step = 1; heap.length > 0; step++) {
    if (step % pairsPerStep === 0) yield;
    const key = pop(heap);
    const left = key % places;
    const right = next[left]!;
    if (gone[left] || right < 0) continue;
    const pair = merged(symbols[left]!, symbols[right]!);
    if (pair?.rank !== Math.floor(key / places)) continue;
    symbols[left] = pair.symbol;
    gone[right] = 1;
    const after = next[right]!;
    next[left] = after;
    if (after >= 0) previous[after] = left;
    offer(previous[left]!);
    offer(left);
  }
  return symbols.filter((_, i) => !gone[i]);
}

function push(heap: number[], key: number): void {
  let at = heap.push(key) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= key) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = key;
}

function pop(heap: number[]): number {
  const top = heap[0]!;
  const key = heap.pop()!;
  const length = heap.length;
  if (length === 0) return top;
  let at = 0;
  for (let child = 1; child < length; child = 2 * at + 1) {
    if (child + 1 < length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= key) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = key;
  return top;
}
