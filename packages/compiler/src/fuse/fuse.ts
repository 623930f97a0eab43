/**
 * Pass 2: fusion. Linears over one x become one contraction; the norm before it becomes its
 * prologue; element-wise functions after it (bias, RoPE, SwiGLU's product, the residual) become its
 * epilogue, an expression tree; keys and values are stored directly in the state slot. A SwiGLU
 * layer is then five operations: qkv, attention, o, gate-up, down. Every other node is an operation
 * of its own.
 *
 * Three steps: `match` finds the groups, `emit` turns them into operations over values, and
 * `assign` assigns a buffer to each value.
 */
import { distinct } from '@lamella/graph/distinct';
import { features, type Graph } from '@lamella/graph/ir';
import type { Buffer, Kind, Program, RopeTable } from '../program/ir.ts';
import { padded } from '../program/packs.ts';
import type { Shared, SharedKind } from '../share.ts';
import { assign } from './assign.ts';
import { BodyView } from './body-view.ts';
import { emit } from './emit.ts';
import { windowWithin } from './emit-heads.ts';
import { type Matched, match } from './match.ts';

/**
 * Most tokens of one prefill step: enough to reuse weights in cache, few enough for a small arena.
 */
const TILE = 96;

/** Fuses every kind. All formats are f32 and all offsets 0 until `quantise` and `plan` set them. */
export function fuse({ graph, kinds, rows }: Shared): Program {
  const tile = Math.min(TILE, padded(graph.tokens.size, 4));
  const stream = 0;
  const buffers: Buffer[] = [{ name: 'x', element: 'f32', width: streamWidth(graph), rows: tile }];
  // kernels refer to buffers by name, so names are unique
  const names = new Set<string>();
  const ropeTables: RopeTable[] = [];
  const common = { vocab: graph.vocab, context: graph.tokens.size, ropeTables };
  const states: (Matched['states'] | undefined)[] = [];
  const fused: Kind[] = [];
  for (const [index, { name, role, body, reads }] of kinds.entries()) {
    const view = new BodyView(body);
    const matched = match(view, states[reads ?? -1] ?? new Map());
    states.push(matched.states);
    const window = largestWindows(kinds, index, common.context);
    const emitted = emit(view, role, matched.groups, common, window, fused[reads ?? -1]?.state ?? []);
    const rows = role === 'end' ? 1 : tile;
    const newBuffer = (own: string, width: number): number =>
      buffers.push({ name: distinct(`${name}.${own}`, names), element: 'f32', width, rows }) - 1;
    const ops = assign(emitted, stream, newBuffer, (buffer) => buffers[buffer]!.width);
    fused.push({ name, role, ops, packs: emitted.packs, groups: [], reads, state: emitted.state, stateBytes: 0 });
  }
  return {
    name: graph.name,
    context: graph.tokens.size,
    vocab: graph.vocab,
    tile,
    buffers,
    carried: [stream],
    kinds: fused,
    rows,
    ropeTables,
  };
}

/**
 * For a state of kind `index`: the largest window of the attentions that read it, in this kind and
 * in kinds that read its state; null if one of them has no window.
 */
function largestWindows(
  kinds: readonly SharedKind[],
  index: number,
  context: number,
): (state: number) => number | null {
  const readers = kinds.filter(({ reads }, k) => k === index || reads === index);
  const attentions = readers.flatMap(({ body }) =>
    body.nodes.flatMap(({ op }) => (op.kind === 'attention' ? [op] : [])),
  );
  return (state) => {
    const windows = attentions.filter((op) => op.state === state).map((op) => windowWithin(op, context));
    return windows.includes(null) ? null : Math.max(...windows.map(Number));
  };
}

/** Features of the widest value that is passed from row to row. */
function streamWidth(graph: Graph): number {
  const widths = graph.root.nodes.filter((n) => n.op.kind === 'stack' || n.op.kind === 'embed').map(features);
  return padded(Math.max(...widths), 16);
}
