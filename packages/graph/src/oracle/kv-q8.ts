/**
 * Attention over eight-bit keys and values in the oracle, exactly as docs/decisions.md "KV q8,
 * exactly" defines it. Every head of queries, keys and values is codes with a scale; scores are
 * integer dots. Within a chunk of positions, each softmax weight times the scale of its value is
 * also quantised, so that values are summed as integers. Chunks are merged as in online softmax
 * (arXiv 1805.02867).
 */
import type { Op } from '../ir.ts';
import { type Codes, quantiseTogether, roundHalfEven } from './codes.ts';

/** Positions whose weights share a scale: 0..63, 64..127, and so on. */
const CONTEXT_CHUNK = 64;
/** Largest code of a weight. */
const LARGEST = 32767;

/** The first position that the token at `position` attends to. */
export function firstSeen(position: number, window: number | null): number {
  return window === null ? 0 : Math.max(0, position - window + 1);
}

/**
 * Attention of the token at `position`: q [heads * headDim] over keys and values, one row
 * [kvHeads * headDim] for each position -> [heads * headDim].
 */
export function attendQ8(
  q: Float64Array,
  { keys, values }: { readonly keys: readonly Float64Array[]; readonly values: readonly Float64Array[] },
  position: number,
  { heads, kvHeads, headDim, scale, window, softcap }: Op & { readonly kind: 'attention' },
): Float64Array {
  const out = new Float64Array(heads * headDim);
  const headOf = (row: Float64Array | undefined, head: number): Codes => {
    if (!row) throw new Error('this execution has not run at an earlier position');
    return quantiseTogether(row.slice(head * headDim, (head + 1) * headDim));
  };
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor(head / (heads / kvHeads));
    const query = headOf(q, head);
    const chunks: Partial[] = [];
    for (let from = firstSeen(position, window); from <= position; ) {
      const next = Math.min(position + 1, from - (from % CONTEXT_CHUNK) + CONTEXT_CHUNK);
      const positions = Array.from({ length: next - from }, (_, i) => from + i);
      from = next;
      const scores = positions.map((p) => {
        const key = headOf(keys[p], kvHead);
        const score = integerDot(query.codes, key.codes) * query.scale * key.scale * scale;
        return softcap === null ? score : softcap * Math.tanh(score / softcap);
      });
      chunks.push(
        partial(
          scores,
          positions.map((p) => headOf(values[p], kvHead)),
        ),
      );
    }
    out.set(merged(chunks), head * headDim);
  }
  return out;
}

/**
 * A chunk's part of the result: its largest score, the sum of exp(score - largest), and the sum of
 * the values weighted by exp(score - largest) [headDim].
 */
interface Partial {
  readonly largest: number;
  readonly sum: number;
  readonly values: Float64Array;
}

function partial(scores: readonly number[], values: readonly Codes[]): Partial {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const weights = powers.map((power, p) => power * values[p]!.scale);
  const step = Math.max(...weights) / LARGEST;
  const codes = weights.map((weight) => (step === 0 ? 0 : roundHalfEven(weight / step)));
  const sums = new Float64Array(values[0]!.codes.length);
  values.forEach((value, p) => {
    value.codes.forEach((code, i) => {
      sums[i]! += codes[p]! * code;
    });
  });
  return { largest, sum: powers.reduce((total, power) => total + power, 0), values: sums.map((sum) => sum * step) };
}

/** The values of all chunks, each weighted by its share of the softmax. */
function merged(chunks: readonly Partial[]): Float64Array {
  const largest = Math.max(...chunks.map((chunk) => chunk.largest));
  const shares = chunks.map((chunk) => Math.exp(chunk.largest - largest));
  const total = chunks.reduce((sum, chunk, c) => sum + shares[c]! * chunk.sum, 0);
  const out = new Float64Array(chunks[0]!.values.length);
  chunks.forEach((chunk, c) => {
    chunk.values.forEach((value, i) => {
      out[i]! += (shares[c]! / total) * value;
    });
  });
  return out;
}

function integerDot(a: Int8Array, b: Int8Array): number {
  return a.reduce((sum, code, i) => sum + code * b[i]!, 0);
}
