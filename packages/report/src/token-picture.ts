/**
 * The kernel calls of one decoded token, in order: the number of calls, the code size, and the
 * bytes read besides activations.
 */
import type { Compilation } from '@lamella/compiler/compilation';
import { type Plan, packsOf } from '@lamella/compiler/plan';
import type { FusedOp, Kind } from '@lamella/compiler/program/ir';
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
      const state =
        op.kind === 'attention'
          ? bytes([...new Set([op.k, op.v])].reduce((sum, part) => sum + kind.state[part]!.bytes, 0))
          : '';
      return [op.name, count(runs), ...read, state, count(sizes[all.indexOf(kernel)]!)];
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
the bytes that a call reads when the context is full.</p>`;
}

/** An embedding reads one row of its table; every other operation reads its tensors whole. */
function weightBytes(plan: Plan, kind: Kind, op: FusedOp): number {
  if (op.kind === 'embed') {
    const row = plan.table.findIndex((each) => plan.program.kinds[each.kind] === kind);
    return slowMemoryReads(plan)[row]!;
  }
  return packsOf(op).reduce((sum, id) => sum + kind.packs[id]!.bytes, 0);
}
