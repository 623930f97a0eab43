/**
 * Places buffers that are live at different times in the same bytes. The lower bound of any
 * placement is the most bytes live at one time; it is reported beside the result. Greedy placement
 * by size reaches it for the usual transformer block. Otherwise a fixed number of other orders are
 * tried, so that the plan is the same on every machine.
 */

/** A buffer's bytes and the first and last time (both included) at which it is live. */
export interface Interval {
  readonly name: string;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface Placement {
  /** offsets[i] belongs to intervals[i]. */
  readonly offsets: readonly number[];
  readonly bytes: number;
  readonly lowerBoundBytes: number;
}

/**
 * Alignment of every buffer: a cache line. If two threads write rows in one line, each store moves
 * the line to the other core (false sharing); for dot products this cost two threads 6 % of a token
 * (MobileLLM-125M q4, Zen 5).
 */
export const ALIGNMENT = 64;
const TRIES = 500;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Offsets for these intervals. Intervals that are live at the same time do not overlap. */
export function placeBuffers(intervals: readonly Interval[]): Placement {
  const lowerBoundBytes = lowerBound(intervals);
  const order = intervals.map((_, i) => i);
  const bySize = [...order].sort(
    (a, b) => intervals[b]!.bytes - intervals[a]!.bytes || intervals[a]!.first - intervals[b]!.first || a - b,
  );
  let best = placeInOrder(intervals, bySize);
  const random = sequence(1);
  for (let i = 0; i < TRIES && best.bytes > lowerBoundBytes; i++) {
    const next = placeInOrder(intervals, shuffled(order, random));
    if (next.bytes < best.bytes) best = next;
  }
  return { ...best, lowerBoundBytes };
}

/** The most bytes live at one time, alignment included. */
export function lowerBound(intervals: readonly Interval[]): number {
  const live = (time: number) =>
    intervals.reduce((sum, b) => sum + (b.first <= time && time <= b.last ? aligned(b.bytes) : 0), 0);
  return Math.max(0, ...intervals.map((b) => live(b.first)));
}

function placeInOrder(intervals: readonly Interval[], order: readonly number[]): { offsets: number[]; bytes: number } {
  const offsets = intervals.map(() => -1);
  let bytes = 0;
  for (const i of order) {
    const buffer = intervals[i]!;
    const size = aligned(buffer.bytes);
    const taken = order
      .filter((j) => offsets[j]! >= 0 && intervals[j]!.first <= buffer.last && buffer.first <= intervals[j]!.last)
      .map((j) => ({ from: offsets[j]!, to: offsets[j]! + aligned(intervals[j]!.bytes) }))
      .sort((a, b) => a.from - b.from);
    let at = 0;
    for (const { from, to } of taken) {
      if (at + size <= from) break;
      at = Math.max(at, to);
    }
    offsets[i] = at;
    bytes = Math.max(bytes, at + size);
  }
  return { offsets, bytes };
}

/**
 * A small generator (Numerical Recipes' LCG constants), so that the tries are the same on every
 * machine.
 */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function shuffled(order: readonly number[], random: () => number): number[] {
  const out = [...order];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
