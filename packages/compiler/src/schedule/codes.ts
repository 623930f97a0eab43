/**
 * The formats of the int8 codes that a contraction multiplies, and the widths of codes and scales,
 * for every target.
 */
import type { Format } from '../formats/format.ts';
import { GROUP } from '../formats/group-quantiser.ts';
import { formats } from '../formats/table.ts';
import type { FusedOp, Kind } from '../program/ir.ts';
import { padded } from '../program/packs.ts';

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

/** Scales stored for one token. */
export const scalesWidth = (kind: Kind, op: Contraction): number => codesWidth(kind, op) / GROUP;
