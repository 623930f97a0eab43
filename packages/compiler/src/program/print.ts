/** A program as text: the fused operations, and (`printPlan`) the addresses. */
import { type FunctionName, functionOf } from '@lamella/graph/functions';
import type { Plan } from '../plan/plan.ts';
import {
  type Destination,
  type ElementExpr,
  type FusedOp,
  type HeadLayout,
  type Kind,
  type Norm,
  type Program,
  positionsOf,
  type StatePart,
} from './ir.ts';
import { type Pack, pairingText, type RowMap } from './packs.ts';

/** The fused program: rows, then each kind's operations with their stored tensors. */
export function printProgram(program: Program): string {
  return [
    `program ${program.name}: context ${program.context}, vocab ${program.vocab}, tile ${program.tile}`,
    '',
    'rows',
    ...printRows(program),
    ...program.kinds.flatMap((kind) => ['', ...printKind(program, kind)]),
    '',
  ].join('\n');
}

function printRows(program: Program): string[] {
  return program.rows.map((row, i) => {
    const kind = program.kinds[row.kind]!.name;
    const weights = row.weights.length > 3 ? `${row.weights[0]}..${row.weights.at(-1)}` : row.weights.join(' ');
    return `  ${String(i).padStart(3)}  ${kind.padEnd(8)} weights ${weights}${row.slot === null ? '' : `  slot ${row.slot}`}`;
  });
}

/** A kind's operations, one or a few lines each. */
export function printKind(program: Program, kind: Kind): string[] {
  const buffer = (id: number) => program.buffers[id]!.name;
  const pack = (id: number) => packName(kind.packs[id]!);
  const gains = ({ gain, bias, eps }: Norm) =>
    `${gain === null ? 'no gain' : pack(gain)}${bias === null ? '' : ` and ${pack(bias)}`} (eps ${eps})`;
  const element = (e: ElementExpr): string => {
    switch (e.kind) {
      case 'dot':
        return `dot${e.stream}`;
      case 'buffer':
        return buffer(e.buffer);
      case 'vector':
        return pack(e.pack);
      case 'rope':
        return `${e.part}${e.table}`;
      case 'constant':
        return String(e.value);
      case 'apply':
        return applied(e.fn, e.args.map(element));
      default:
        return e satisfies never;
    }
  };
  const destination = (to: Destination): string => {
    if (to.kind === 'logits') return 'logits';
    const name = to.kind === 'buffer' ? buffer(to.buffer) : `state.${kind.state[to.part]!.name}`;
    return to.order.kind === 'head' && to.order.half < to.order.stride ? `${name}[half ${to.order.plane}]` : name;
  };
  const op = (o: FusedOp): string[] => {
    switch (o.kind) {
      case 'embed':
        return [`  ${buffer(o.out)} = embed ${pack(o.table)}${o.by === 'position' ? ' by position' : ''}`];
      case 'contraction': {
        const { norm, codes } = o.prologue;
        const how = [
          norm && `${norm.centred ? 'centred and ' : ''}normalised by ${gains(norm)}`,
          codes && 'as codes',
        ].filter(Boolean);
        const head = `  contract ${buffer(o.x)} over ${o.depth}${how.length ? `, ${how.join(', ')}` : ''}`;
        return [
          head,
          ...o.segments.flatMap((s) => [
            `    ${s.rows} rows: ${s.streams.map((id, i) => `dot${i} = ${pack(id)}`).join(', ')}`,
            ...s.stores.map((store) => `      ${destination(store.to)} = ${element(store.value)}`),
          ]),
        ];
      }
      case 'encode':
        return [
          '  encode heads',
          ...o.parts.map(({ from, heads, to }) => {
            const codes =
              to.kind === 'buffer' ? `${buffer(to.codes)}, ${buffer(to.scales)}` : `state.${kind.state[to.part]!.name}`;
            return `    ${codes} = ${heads} heads of ${buffer(from)}`;
          }),
        ];
      case 'attention': {
        const state = [...new Set([o.k, o.v])].map((part) => `state.${kind.state[part]!.name}`).join(', ');
        const window = o.window === null ? '' : `, window ${o.window}`;
        const softcap = o.softcap === null ? '' : `, softcap ${o.softcap}`;
        return [
          `  ${buffer(o.out)} = attention ${buffer(o.codes?.queries ?? o.q)}, ${state}: ${o.heads} heads over ${o.kvHeads}, scale ${o.scale}${window}${softcap}`,
        ];
      }
      case 'heads': {
        const to = o.to.kind === 'buffer' ? buffer(o.to.buffer) : `state.${kind.state[o.to.part]!.name}`;
        const how = o.rope ? `rotated by table ${o.rope.table}` : 'moved';
        return [`  ${to} = ${o.heads} heads of ${buffer(o.x)}, ${how}, ${printLayout(o.layout)}`];
      }
      case 'normalise':
        return [
          `  ${buffer(o.out)} = ${o.norm.centred ? 'layerNorm' : 'rmsNorm'} ${buffer(o.x)} by ${gains(o.norm)}${o.heads > 1 ? `, each of ${o.heads} heads` : ''}`,
        ];
      case 'convolve':
        return [
          `  ${buffer(o.out)} = convolve state.${kind.state[o.inputs]!.name} by ${o.taps.map(pack).join(', ')}${o.bias === null ? '' : ` and ${pack(o.bias)}`}`,
        ];
      case 'map':
        return [`  ${o.out === null ? 'logits' : buffer(o.out)} = ${element(o.value)}`];
      default:
        return o satisfies never;
    }
  };
  return [`kind ${kind.name} (${kind.role})`, ...kind.ops.flatMap(op)];
}

function applied(fn: FunctionName, args: readonly string[]): string {
  const { infix } = functionOf(fn);
  return infix ? `(${args.join(` ${infix} `)})` : `${fn}(${args.join(', ')})`;
}

function printLayout({ pairing, half, stride }: HeadLayout): string {
  return pairing ? `in halves (${pairingText(pairing)}) of ${half}` : `padded to ${stride}`;
}

function packName({ name, rows, format }: Pack): string {
  const part = rows.kind === 'half' ? `[half ${rows.which}]` : rows.kind === 'column' ? `[tap ${rows.column}]` : '';
  return `${name}${part}: ${format}`;
}

/** The context, or the length of a ring. */
function roomText(part: StatePart, program: Program): string {
  const positions = positionsOf(part, program);
  return positions < program.context ? `ring of ${positions}` : `${program.context}`;
}

function printMap(map: RowMap): string {
  if (map.kind === 'plain' || map.kind === 'column') return `${map.rows}`;
  const part = map.kind === 'half' ? ` (half ${map.which}, ${pairingText(map.pairing)})` : '';
  return `${map.heads} x ${map.headDim}${part} padded to ${map.stride}`;
}

/**
 * The plan: memory regions, arena intervals with the bound, weight segments, state and the
 * execution table.
 */
export function printPlan(plan: Plan): string {
  const { memory, program } = plan;
  const hex = (n: number) => `0x${n.toString(16).padStart(7, '0')}`;
  const regions = (['step', 'tokens', 'logits', 'arena', 'weights', 'state', 'table'] as const).map(
    (name) => `  ${name.padEnd(8)} ${hex(memory[name].offset)}  ${memory[name].bytes} bytes`,
  );
  const width = Math.max(...plan.arena.intervals.map((b) => b.name.length));
  const arena = plan.arena.intervals.map(
    (b, i) =>
      `  ${b.name.padEnd(width)}  +${String(plan.arena.offsets[i]).padStart(6)}  ${String(b.bytes).padStart(6)} bytes  live ${b.first}..${b.last}`,
  );
  const kinds = program.kinds.flatMap((kind) => [
    `  ${kind.name}`,
    ...kind.packs
      .map((p) => p)
      .sort((a, b) => a.group - b.group || a.offset - b.offset)
      .map((p) => {
        const shape = p.layout === 'vector' ? printMap(p.rows) : `${printMap(p.rows)} rows, ${p.columns} columns`;
        return `    w${p.group} +${String(p.offset).padStart(6)}  ${packName(p)}  ${shape}, blocks of ${p.block}`;
      }),
    ...kind.state.map(
      (s) => `    state +${s.offset}  ${s.name} [${s.kvHeads}, ${roomText(s, program)}, ${s.stride}] ${s.format}`,
    ),
  ]);
  const rows = plan.table.map((row, i) => {
    const weights = row.weights.map(hex).join(' ');
    return `  ${String(i).padStart(3)}  ${program.kinds[row.kind]!.name.padEnd(8)} weights ${weights}${row.state ? `  state ${hex(row.state)}` : ''}`;
  });
  return [
    `memory: ${memory.plannedBytes} bytes planned`,
    ...regions,
    '',
    `arena: ${plan.arena.bytes} bytes; most live at one time ${plan.arena.lowerBoundBytes}`,
    ...arena,
    '',
    'stored tensors, by kind and address',
    ...kinds,
    '',
    'execution table',
    ...rows,
    '',
  ].join('\n');
}
