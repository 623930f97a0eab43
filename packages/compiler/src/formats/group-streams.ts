/**
 * How a kernel reads pairs of groups from the streams of a block: where codes are, and how scales
 * become floats. x86 adds a long offset in the load itself, and widens four halves in it. On Arm an
 * offset beyond 4095 takes two more instructions, so each stream has its own address; one load reads
 * the scales of both groups, and one multiplication widens four of them and moves them to their
 * places.
 */
import { apply, type Builder, constant, type Index, i32, load, mul, plus, times } from '../loops/build.ts';
import type { Expr, KernelBuffer } from '../loops/ir.ts';
import type { Features } from '../loops/types.ts';
import type { MatrixShape } from './format.ts';
import { storedAt, upTo, VECTOR_ROWS } from './integer.ts';

/** A pair of groups in all streams. */
export interface PairOfGroups {
  /** The element of byte `at` of the pair in stream v. */
  byteAt(v: Index, at: Index): Expr;
  /** Scales of rows 4v..4v+3 in the first or second group, f32x4. */
  scales(v: Index, which: 0 | 1): Expr;
}

/** `vectors` streams of a block from stream `vector` on. */
export interface Streams {
  readonly views: readonly KernelBuffer[];
  readonly shape: MatrixShape;
  readonly block: Index;
  readonly vector: Index;
  readonly vectors: number;
  /** Bytes from one pair to the next. */
  readonly pairBytes: number;
}

/** Writes what is computed once; the result is called for each pair. */
export function pairsOf(b: Builder, streams: Streams, features: Features): (b: Builder, pair: Index) => PairOfGroups {
  return features.has('sdot') ? withAddresses(b, streams) : withOffsets(b, streams);
}

function withOffsets(b: Builder, { views: [, scales], shape, block, vector, pairBytes }: Streams): Pairs {
  const base = b.let('base', storedAt(shape, block, vector));
  const halvesBase = b.let('halvesBase', storedAt(shape, block, vector, 2));
  return (inner, pair) => {
    const from = inner.let('wAt', plus(base, times(pair, pairBytes)));
    const halvesAt = inner.let('halvesAt', plus(halvesBase, times(pair, pairBytes / 2)));
    return {
      byteAt: (v, at) => plus(from, plus(times(v, shape.stream), at)),
      scales: (v, which) =>
        load(scales!, plus(halvesAt, plus(times(v, shape.stream / 2), which * VECTOR_ROWS)), 'f32x4'),
    };
  };
}

type Pairs = ReturnType<typeof pairsOf>;

function withAddresses(b: Builder, { views: [stored], shape, block, vector, vectors, pairBytes }: Streams): Pairs {
  const base = b.registers('base', vectors, storedAt(shape, block, vector));
  const others = upTo(vectors).slice(1);
  for (const v of others) base.set(plus(base.get(0), v * shape.stream), v);
  const place = b.let('place', apply('splat16', i32(8192)));
  const bits = b.let('bits', apply('splat', i32(0x8fffe000 | 0)));
  const factor = b.let('factor', constant('f32x4', 2 ** 112));
  return (inner, pair) => {
    const from = inner.registers('wAt', vectors, plus(base.get(0), times(pair, pairBytes)));
    for (const v of others) from.set(plus(base.get(v), times(pair, pairBytes)), v);
    const halves = inner.registers('halves', vectors, load(stored!, from.get(0), 'i8x16'));
    for (const v of others) halves.set(load(stored!, from.get(v), 'i8x16'), v);
    return {
      byteAt: (v, at) => plus(from.get(v), at),
      scales: (v, which) =>
        mul(apply(which === 0 ? 'halfBitsLow' : 'halfBitsHigh', halves.get(v), place, bits), factor),
    };
  };
}
