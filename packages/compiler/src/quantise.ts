/**
 * Pass 3: chooses formats; no later pass decides precision. Matrices get the chosen format, tables
 * the format that goes with it; gains, biases, filters and activations stay f32. A contraction over
 * integer weights quantises its x once, in its prologue (W8A8, MobileLLM section 4.4).
 */
import { formats, kvFormats } from './formats/table.ts';
import type { Buffer, BufferId, FormatName, FusedOp, Kind, KvName, Program } from './program/ir.ts';
import type { Pack } from './program/packs.ts';
import { padded } from './program/packs.ts';

/**
 * The program with formats for stored matrices, for the x of contractions and for keys and values.
 */
export function quantise(program: Program, quant: FormatName, kv: KvName): Program {
  const quantised = quantiseWeights(program, quant);
  return kv === 'f32' ? quantised : quantiseState(quantised, kv);
}

/**
 * Keys and values as codes: contractions write them to buffers, and an `encode` operation before
 * each attention quantises its heads, the queries too ("KV q8, exactly" in docs/decisions.md).
 */
function quantiseState(program: Program, kv: Exclude<KvName, 'f32'>): Program {
  const buffers: Buffer[] = [...program.buffers];
  const buffer = (buffer: Buffer): BufferId => buffers.push(buffer) - 1;
  const multiple = kvFormats[kv].strideMultiple;
  const kinds = program.kinds.map((kind): Kind => {
    // keys and values are encoded once, before the first attention on their state
    const waiting = new Set(kind.reads === null ? kind.state.keys() : []);
    const isHeads = (part: number): boolean => kind.state[part]!.holds === 'heads';
    const staged = kind.state.map(({ name, kvHeads, stride }, part) =>
      isHeads(part) && kind.reads === null
        ? buffer({ name: `${kind.name}.${name}`, element: 'f32', width: kvHeads * stride, rows: program.tile })
        : null,
    );
    const ops = kind.ops.flatMap((op): FusedOp[] => {
      if (op.kind === 'contraction') {
        const segments = op.segments.map((segment) => ({
          ...segment,
          stores: segment.stores.map(({ to, value }) => ({
            value,
            to: to.kind === 'state' ? { kind: 'buffer' as const, buffer: staged[to.part]!, order: to.order } : to,
          })),
        }));
        return [{ ...op, segments }];
      }
      if (op.kind === 'heads' && op.to.kind === 'state')
        return [isHeads(op.to.part) ? { ...op, to: { kind: 'buffer', buffer: staged[op.to.part]! } } : op];
      if (op.kind !== 'attention') return [op];
      const { heads, kvHeads, keyStride, valueStride, name } = op;
      const own = (what: string, parts: Pick<Buffer, 'element' | 'width'>): BufferId =>
        buffer({ name: `${name}.${what}`, rows: program.tile, ...parts });
      const queries = own('queries', { element: 'codes', width: heads * padded(keyStride, multiple) });
      const scales = own('scales', { element: 'f32', width: heads });
      return [
        {
          kind: 'encode',
          name: `${name}.encode`,
          scratch: {},
          parts: [
            { from: op.q, heads, stride: keyStride, to: { kind: 'buffer', codes: queries, scales } },
            ...[
              { part: op.k, stride: keyStride },
              { part: op.v, stride: valueStride },
            ]
              .filter(({ part }) => waiting.delete(part))
              .map(({ part, stride }) => ({
                from: staged[part]!,
                heads: kvHeads,
                stride,
                to: { kind: 'state', part } as const,
              })),
          ],
        },
        { ...op, codes: { queries, scales } },
      ];
    });
    const state = kind.state.map((part, i) =>
      isHeads(i) ? { ...part, format: kv, stride: padded(part.stride, multiple) } : part,
    );
    return { ...kind, ops, state };
  });
  return { ...program, buffers, kinds };
}

/** The program with every stored matrix in its format. */
function quantiseWeights(program: Program, quant: FormatName): Program {
  const kinds = program.kinds.map((kind): Kind => {
    const packs = kind.packs.map((pack): Pack => {
      if (pack.layout === 'vector') return pack;
      const format = pack.role === 'table' ? formats[quant].tables : quant;
      return { ...pack, format };
    });
    const ops = kind.ops.map((op): FusedOp => {
      if (op.kind !== 'contraction') return op;
      const codes = op.segments.some((s) => s.streams.some((id) => formats[packs[id]!.format].integer));
      return { ...op, prologue: { ...op.prologue, codes } };
    });
    return { ...kind, packs, ops };
  });
  return { ...program, kinds };
}
