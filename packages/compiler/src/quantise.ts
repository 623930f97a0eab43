/**
 * Pass 3: formats. Precision is policy, decided here and nowhere later: matrices and tables take the formats of the chosen policy; gains,
 * biases and everything computed stay f32. A contraction over integer weights quantises its x once, in its own prologue (W8A8,
 * MobileLLM section 4.4).
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { formats, kvFormats } from './formats/table.ts';
import { allFeatures } from './loops/types.ts';
import type { Buffer, BufferId, FormatName, FusedOp, Kind, KvName, Pack, PackId, Program } from './program/ir.ts';
import { CHUNK, padded, storedRows } from './program/ir.ts';

/** What a choice of quantisation means for each role. The table is read by rows as well, and a tied head is a table: it keeps 8 bits. */
const policies: Readonly<Record<FormatName, { readonly matrix: FormatName; readonly table: FormatName }>> = {
  f32: { matrix: 'f32', table: 'f32' },
  q8: { matrix: 'q8', table: 'q8' },
  q4: { matrix: 'q4', table: 'q8' },
};

/**
 * The program with every stored matrix in its format, codes where its contractions need them, and keys and values in theirs. Throws L116
 * where sums could overflow.
 */
export function quantise(program: Program, quant: FormatName, kv: KvName): Program {
  const quantised = quantiseWeights(program, quant);
  return kv === 'f32' ? quantised : quantiseState(quantised, kv);
}

/**
 * Keys and values as codes: contractions leave them in buffers, and before each attention its heads are encoded, the queries too (KV q8,
 * exactly, in ARCHITECTURE.md).
 */
function quantiseState(program: Program, kv: Exclude<KvName, 'f32'>): Program {
  const buffers: Buffer[] = [...program.buffers];
  const buffer = (buffer: Buffer): BufferId => buffers.push(buffer) - 1;
  const multiple = kvFormats[kv].strideMultiple;
  const kinds = program.kinds.map((kind): Kind => {
    const staged = kind.state.map(({ name, kvHeads, stride }) =>
      buffer({ name: `${kind.name}.${name}`, element: 'f32', width: kvHeads * stride, per: 'token' }),
    );
    const ops = kind.ops.flatMap((op): FusedOp[] => {
      if (op.op === 'contract') {
        const segments = op.segments.map((segment) => ({
          ...segment,
          stores: segment.stores.map(({ to, value }) => ({
            value,
            to: to.to === 'state' ? { to: 'buffer' as const, buffer: staged[to.part]!, place: to.place } : to,
          })),
        }));
        return [{ ...op, segments }];
      }
      if (op.op !== 'attention') return [op];
      const { heads, kvHeads, keyStride, valueStride, name } = op;
      const own = (what: string, parts: Pick<Buffer, 'element' | 'width' | 'per'>): BufferId =>
        buffer({ name: `${name}.${what}`, ...parts });
      const queries = own('queries', { element: 'codes', width: heads * padded(keyStride, multiple), per: 'token' });
      const scales = own('scales', { element: 'f32', width: heads, per: 'token' });
      const weights = own('weights', { element: 'sums', width: (heads / kvHeads) * (CHUNK / 2), per: 'thread' });
      return [
        {
          op: 'encode',
          name: `${name}.encode`,
          parts: [
            { from: op.q, heads, stride: keyStride, to: { to: 'buffer', codes: queries, scales } },
            { from: staged[op.k]!, heads: kvHeads, stride: keyStride, to: { to: 'state', part: op.k } },
            { from: staged[op.v]!, heads: kvHeads, stride: valueStride, to: { to: 'state', part: op.v } },
          ],
        },
        { ...op, codes: { queries, scales, weights } },
      ];
    });
    const state = kind.state.map((part) => ({ ...part, format: kv, stride: padded(part.stride, multiple) }));
    return { ...kind, ops, state };
  });
  return { ...program, buffers, kinds };
}

/** The program with every stored matrix in its format. */
function quantiseWeights(program: Program, quant: FormatName): Program {
  const policy = policies[quant];
  const buffers: Buffer[] = [...program.buffers];
  const kinds = program.kinds.map((kind): Kind => {
    const packs = kind.packs.map((pack): Pack => {
      if (pack.layout === 'vector') return pack;
      const format = pack.role === 'table' ? policy.table : policy.matrix;
      const { largestBlock, largestDepth, grouped } = formats[format];
      if (storedRows(pack.columns) > largestDepth) {
        const reason = `${format} sums at most ${largestDepth} columns exactly, and it has ${storedRows(pack.columns)}`;
        throw new LamellaError('L116', { op: pack.name, reason, remedy: '--quant f32' }, { place: kind.name });
      }
      if (grouped && pack.columns.map !== 'plain') {
        const reason = `${format} groups neighbouring columns, and heads of ${pack.columns.headDim} are padded`;
        const remedy = 'a headDim divisible by 4, or --quant q8';
        throw new LamellaError('L116', { op: pack.name, reason, remedy }, { place: kind.name });
      }
      return { ...pack, format, block: Math.min(pack.block, largestBlock) };
    });
    const ops = kind.ops.map((op): FusedOp => {
      if (op.op !== 'contract') return op;
      const streams = op.segments.flatMap((s) => s.streams.map((id) => formats[packs[id]!.format]));
      if (!streams.some((f) => f.integer)) return op;
      const name = `${kind.name}.${op.name}`;
      const width = padded(op.depth, Math.max(...streams.map((f) => f.depthMultiple)));
      const codes = buffers.push({ name: `${name}.codes`, element: 'codes', width, per: 'token' }) - 1;
      const scales = buffers.push({ name: `${name}.scales`, element: 'f32', width: 1, per: 'token' }) - 1;
      // room for the sums of whatever variant needs most
      const most = streams.map((f) => f.sums(allFeatures)).find((s) => s !== null);
      const sums = most
        ? buffers.push({ name: `${name}.sums`, element: 'sums', width: width / (most.over ?? width), per: 'token' }) - 1
        : null;
      const panels =
        kind.role === 'end'
          ? null
          : buffers.push({ name: `${name}.panels`, element: 'codes', width: panelBytes(op, packs), per: 'thread' }) - 1;
      return { ...op, prologue: { ...op.prologue, quantise: { codes, scales, sums, panels } } };
    });
    return { ...kind, packs, ops };
  });
  return { ...program, buffers, kinds };
}

/** Room for a panel of each matrix that is multiplied at one time. */
function panelBytes(op: Extract<FusedOp, { op: 'contract' }>, packs: readonly Pack[]): number {
  const ofStream = (id: PackId): number => {
    const { format, block, columns } = packs[id]!;
    return formats[format].panelBytes({ block, depth: storedRows(columns) });
  };
  return Math.max(...op.segments.map((s) => s.streams.reduce((sum, id) => sum + ofStream(id), 0)));
}
