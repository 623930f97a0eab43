/**
 * The kernel calls of one decoded token, in order: the number of calls, the code size, and the
 * bytes read besides activations.
 */
import type { Compilation } from '@lamella/compiler/compilation';
import { type Plan, packsOf } from '@lamella/compiler/plan';
import { CONTEXT_CHUNK, type FusedOp, type Kind, type Program, positionsOf } from '@lamella/compiler/program/ir';
import { slowMemoryReads } from '@lamella/compiler/residency';
import { kernelsOf } from '@lamella/compiler/schedule/cpu/schedule';
import { functionBytes } from '@lamella/compiler/targets/wasm/sizes';
import { type Html, html } from './html.ts';
import { table } from './table.ts';
import { bytes, count } from './units.ts';

/** A table with a group of rows for each kind. */
export function tokenPicture({ plan, kernels, wasm, report }: Compilation): Html {
  const sizes = functionBytes(wasm);
  const all = kernels.flatMap(kernelsOf);
  const groups = kernels.map(({ kind, decode }, k) => {
    const runs = plan.table.filter((row) => row.kind === k).length;
    const rows = decode.map((kernel, i) => {
      const op = kind.ops[i]!;
      const weights = weightBytes(plan, kind, op);
      const read = weights ? [bytes(weights), bytes(weights * runs)] : ['', ''];
      const state = stateBytes(plan.program, kind, op);
      return [op.name, count(runs), ...read, state ? bytes(state) : '', count(sizes[all.indexOf(kernel)]!)];
    });
    return { title: `${kind.name}${runs > 1 ? `, ${runs} times` : ''}`, rows };
  });
  return html`${table(
    'Kernels of one token',
    [['kernel'], ['calls'], ['weights a call'], ['weights a token'], ['state a call'], ['code bytes']],
    groups,
    ['all', count(report.wasm.dispatchesPerToken), '', '', '', ''],
  )}
<p class="note">Weights include bytes from fast memory; ${bytes(report.slowMemoryBytesPerToken)} of them are planned to come from slow memory. State is
what a call reads when the context is full: a window's positions only, in whole chunks of ${CONTEXT_CHUNK}.</p>`;
}

/**
 * The bytes of keys and values, or of a convolution's inputs, that the last token of a context
 * reads.
 */
export function stateBytes(program: Program, kind: Kind, op: FusedOp): number {
  if (op.kind !== 'attention' && op.kind !== 'convolve') return 0;
  const { context } = program;
  const parts = op.kind === 'convolve' ? [op.inputs] : [...new Set([op.k, op.v])];
  const first = op.kind === 'convolve' ? context - op.taps.length : firstRead(context, op.window);
  return parts.reduce((sum, id) => {
    const part = kind.state[id]!;
    return sum + (part.bytes / positionsOf(part, program)) * (context - Math.max(0, first));
  }, 0);
}

/**
 * Chunks stay at absolute positions, so attention reads the whole chunk in which its window begins.
 */
function firstRead(context: number, window: number | null): number {
  return window === null ? 0 : Math.floor(Math.max(0, context - window) / CONTEXT_CHUNK) * CONTEXT_CHUNK;
}

/** An embedding reads one row of its table; every other operation reads its tensors whole. */
function weightBytes(plan: Plan, kind: Kind, op: FusedOp): number {
  if (op.kind === 'embed') {
    const row = plan.table.findIndex((each) => plan.program.kinds[each.kind] === kind);
    return slowMemoryReads(plan)[row]!;
  }
  return packsOf(op).reduce((sum, id) => sum + kind.packs[id]!.bytes, 0);
}
