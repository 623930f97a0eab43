/**
 * The formats of the int8 codes that a contraction multiplies, and the widths of codes and scales, for every
 * target.
 */
import type { Format } from '../formats/format.ts';
import { formats } from '../formats/table.ts';
import type { FusedOp, Kind } from '../program/ir.ts';
import { padded } from '../program/packs.ts';

type Contraction = Extract<FusedOp, { kind: 'contraction' }>;

/** The format of each matrix, in the order of segments and streams. */
export function formatsOf({ packs }: Kind, op: Contraction): readonly Format[] {
  return op.segments.flatMap((s) => s.streams.map((id) => formats[packs[id]!.format]));
}

/** Features of x that share a scale; null where all features of a token do. */
export function activationGroup(kind: Kind, op: Contraction): number | null {
  return formatsOf(kind, op)[0]!.activationGroup;
}

/**
 * int8 codes stored for one token: the depth, padded with the zeros that the formats read past the
 * last feature.
 */
export function codesWidth(kind: Kind, op: Contraction): number {
  return padded(op.depth, Math.max(...formatsOf(kind, op).map((f) => f.depthMultiple)));
}

/** Scales stored for one token. */
export function scalesWidth(kind: Kind, op: Contraction): number {
  const group = activationGroup(kind, op);
  return group === null ? 1 : codesWidth(kind, op) / group;
}
