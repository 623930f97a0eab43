/**
 * Adds to a program the scratch buffers of CPU kernels. Each thread writes to its own row of a
 * scratch buffer, so these buffers have at least as many rows as there are threads.
 */
import { formats } from '../../formats/table.ts';
import type { Buffer, BufferId, FusedOp, Kind, Program } from '../../program/ir.ts';
import { CONTEXT_CHUNK, mostChunks } from '../../program/ir.ts';
import { LARGEST_BLOCK } from '../../program/pack-table.ts';
import type { PackId } from '../../program/packs.ts';
import { padded } from '../../program/packs.ts';
import { codesWidth, formatsOf, scalesWidth } from '../codes.ts';

type Contraction = Extract<FusedOp, { kind: 'contraction' }>;
type Attention = Extract<FusedOp, { kind: 'attention' }>;

/**
 * The most threads that may run one package; scratch has this many rows. Decoding is limited by
 * memory bandwidth, which a few threads saturate.
 */
export const MAX_THREADS = 8;

/**
 * A tile is multiplied up to six tokens at a time. The last group may read past the tile's end;
 * these values are not used.
 */
const TOKENS_PAST_TILE = 5;

/**
 * A tile of at most `FEW_TOKENS` is multiplied with weights as they are stored, `TOKENS_TOGETHER` at a
 * time. For more tokens, panels are faster in spite of their unpacking (docs/decisions.md).
 */
export const FEW_TOKENS = 8;
export const TOKENS_TOGETHER = 2;

/** The program with scratch for its contractions and attentions. */
export function forCpu(program: Program): Program {
  const tile = program.tile + TOKENS_PAST_TILE;
  // the end's buffers have one row, since it never runs a tile
  const buffers: Buffer[] = program.buffers.map((b) => (b.rows === program.tile ? { ...b, rows: tile } : b));
  const kinds = program.kinds.map((kind): Kind => {
    const own = (prefix: string, parts: readonly Buffer[]): Record<string, BufferId> =>
      Object.fromEntries(
        parts.map(({ name, ...buffer }) => [name, buffers.push({ name: `${prefix}.${name}`, ...buffer }) - 1]),
      );
    const ops = kind.ops.map((op): FusedOp => {
      if (op.kind === 'attention') return { ...op, scratch: own(op.name, ofAttention(op, program.context)) };
      if (op.kind !== 'contraction') return op;
      const rows = Math.max(kind.role === 'end' ? 1 : tile, MAX_THREADS);
      return { ...op, scratch: own(`${kind.name}.${op.name}`, ofContraction(kind, op, rows)) };
    });
    return { ...kind, ops };
  });
  return { ...program, buffers, kinds };
}

/**
 * `normed` for a contraction with a norm; `dots` for a segment of several matrices, and for integer
 * formats with a few tokens; `codes`, `scales`, `sums` and `panels` for integer formats.
 */
function ofContraction(kind: Kind, op: Contraction, rows: number): readonly Buffer[] {
  const parts: Buffer[] = [];
  if (op.prologue.norm) parts.push({ name: 'normed', element: 'f32', width: padded(op.depth, 4), rows });
  const streams = Math.max(...op.segments.map((s) => s.streams.length));
  const together = op.prologue.codes && kind.role !== 'end' ? TOKENS_TOGETHER : 1;
  if (streams > 1 || together > 1)
    parts.push({ name: 'dots', element: 'f32', width: streams * LARGEST_BLOCK * together, rows: MAX_THREADS });
  if (!op.prologue.codes) return parts;
  const width = codesWidth(kind, op);
  const groups = scalesWidth(kind, op);
  parts.push({ name: 'codes', element: 'codes', width, rows }, { name: 'scales', element: 'f32', width: groups, rows });
  // for every variant: one plan serves all
  if (formatsOf(kind, op).some(({ sums, uses }) => [[], ...uses.map((f) => [f])].some((set) => sums(new Set(set)))))
    parts.push({ name: 'sums', element: 'sums', width: groups, rows });
  if (kind.role !== 'end')
    parts.push({ name: 'panels', element: 'codes', width: panelBytes(kind, op), rows: MAX_THREADS });
  return parts;
}

/** Bytes of one unpacked panel of each matrix that a segment multiplies. */
function panelBytes({ packs }: Kind, op: Contraction): number {
  const ofStream = (id: PackId): number => {
    const { format, block, columns } = packs[id]!;
    return formats[format].panelBytes({ block, depth: columns });
  };
  return Math.max(...op.segments.map((s) => s.streams.reduce((sum, id) => sum + ofStream(id), 0)));
}

/**
 * `scores` of a chunk, then its weights: [heads of a key head, CONTEXT_CHUNK]; under KV q8 also
 * `weights` as codes, pairs of int16; and `partials`, the results of chunks before they are merged.
 */
function ofAttention(op: Attention, context: number): readonly Buffer[] {
  const { heads, kvHeads, valueStride, codes } = op;
  const group = heads / kvHeads;
  // all heads of one token (decoding), or the heads that all threads process at one time (prefill)
  const merged = Math.max(heads, group * MAX_THREADS);
  const chunks = mostChunks(op, context);
  return [
    { name: 'scores', element: 'f32', width: group * CONTEXT_CHUNK, rows: MAX_THREADS },
    { name: 'partials', element: 'f32', width: merged * chunks * (valueStride + 4), rows: 1 },
    ...(codes
      ? [{ name: 'weights', element: 'sums', width: group * (CONTEXT_CHUNK / 2), rows: MAX_THREADS } as const]
      : []),
  ];
}
