/**
 * The format and the padded width of the int8 codes that a contraction multiplies, for every
 * target.
 */
import type { Format } from '../formats/format.ts';
import { formats } from '../formats/table.ts';
import { type FusedOp, type Kind, padded } from '../program/ir.ts';

type Contraction = Extract<FusedOp, { kind: 'contraction' }>;

/** The format of each matrix, in the order of segments and streams. */
export function formatsOf({ packs }: Kind, op: Contraction): readonly Format[] {
  return op.segments.flatMap((s) => s.streams.map((id) => formats[packs[id]!.format]));
}

/**
 * int8 codes stored for one token: the depth, padded with the zeros that the formats read past the
 * last feature.
 */
export function codesWidth(kind: Kind, op: Contraction): number {
  return padded(op.depth, Math.max(...formatsOf(kind, op).map((f) => f.depthMultiple)));
}
