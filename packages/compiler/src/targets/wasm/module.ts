/**
 * The module around the kernels: one loop over the execution table, with a branch table over kinds. Its code knows the kinds and nothing
 * of how often they run; the number of rows, the position and the table's address are read from the step region.
 */
import type { Kernel } from '../../loops/ir.ts';
import type { Features } from '../../loops/types.ts';
import { unroll } from '../../loops/unroll.ts';
import { verifyKernel } from '../../loops/verify.ts';
import type { Plan } from '../../plan.ts';
import type { KindKernels } from '../../schedule/schedule.ts';
import type { Lowering } from '../../schedule/scope.ts';
import { functionArguments, printFunction } from './print.ts';

/** Words of the step region. */
const STEP = { position: 0, count: 4, rows: 8, table: 12 } as const;

/** The module's text. `exportKernels` exports every kernel under its own name, too: for tests that run them one by one. */
export function printModule(
  plan: Plan,
  kinds: readonly KindKernels[],
  features: Features = new Set(),
  exportKernels = false,
): string {
  const kernels = kinds
    .flatMap((k) => [...k.decode, ...k.prefill])
    .map((k) => {
      const expanded = unroll(k);
      verifyKernel(expanded, true, features);
      return expanded;
    });
  const pages = plan.memory.plannedBytes / 65536;
  const step = plan.memory.step.offset;
  const word = (at: number) => `(i32.load (i32.const ${step + at}))`;
  const setWord = (at: number, value: string) => `(i32.store (i32.const ${step + at}) ${value})`;
  return [
    '(module',
    `(import "env" "memory" (memory ${pages} ${pages}))`,
    ...kernels.map(printFunction),
    rowFunction('decode', kinds),
    rowFunction('prefill', kinds),
    ';; rows [first, last) of the table',
    ...(['decode', 'prefill'] as const).map((lowering) => rowsFunction(lowering, plan, word)),
    `(func $head (export "head") (param $row i32)`,
    `  (call $row.decode ${rowAddress(plan, word, `(i32.sub ${word(STEP.rows)} (i32.const 1))`)} (local.get $row)))`,
    `(func (export "decode")`,
    `  (call $rows.decode (i32.const 0) (i32.sub ${word(STEP.rows)} (i32.const 1)))`,
    `  (call $head (i32.const 0))`,
    `  ${setWord(STEP.position, `(i32.add ${word(STEP.position)} (i32.const 1))`)})`,
    `(func (export "prefill") (param $count i32)`,
    `  ${setWord(STEP.count, '(local.get $count)')}`,
    `  (call $rows.prefill (i32.const 0) (i32.sub ${word(STEP.rows)} (i32.const 1)))`,
    `  ${setWord(STEP.position, `(i32.add ${word(STEP.position)} (local.get $count))`)})`,
    ...(exportKernels
      ? kernels.map((k) => `(export "${k.name}" (func $${k.name}))`).concat(`(export "rows" (func $rows.decode))`)
      : []),
    ')',
    '',
  ].join('\n');

  /** Runs one table row: branches to its kind and calls the kind's kernels in order. */
  function rowFunction(lowering: Lowering, kinds: readonly KindKernels[]): string {
    const labels = kinds.map((k) => `$${k.kind.name}`);
    const open = kinds.map((_, i) => `(block ${labels[kinds.length - 1 - i]}`).join(' ');
    const last = kinds.length - 1;
    const branch = `(br_table ${labels.join(' ')} (i32.load (local.get $at)))`;
    const cases = kinds.flatMap((k, i) => [
      `  ) ;; ${k.kind.name}`,
      ...k[lowering].map((kernel) => `  ${call(kernel)}`),
      ...(i < last ? ['  (return)'] : []),
    ]);
    return [`(func $row.${lowering} (param $at i32) (param $row i32)`, `  ${open} ${branch}`, ...cases, ')'].join('\n');
  }

  function call(kernel: Kernel): string {
    const args = functionArguments(kernel).map((name) => {
      if (name === 'state') return '(i32.load offset=4 (local.get $at))';
      if (name === 'position') return word(STEP.position);
      if (name === 'count') return word(STEP.count);
      if (name === 'row') return '(local.get $row)';
      return `(i32.load offset=${8 + 4 * Number(name.slice(1))} (local.get $at))`;
    });
    return `(call $${kernel.name} ${args.join(' ')})`;
  }
}

function rowAddress(plan: Plan, word: (at: number) => string, row: string): string {
  return `(i32.add ${word(STEP.table)} (i32.mul ${row} (i32.const ${plan.rowWords * 4})))`;
}

function rowsFunction(lowering: Lowering, plan: Plan, word: (at: number) => string): string {
  return [
    `(func $rows.${lowering} (param $first i32) (param $last i32)`,
    '  (block $end (loop $next',
    '    (br_if $end (i32.ge_s (local.get $first) (local.get $last)))',
    `    (call $row.${lowering} ${rowAddress(plan, word, '(local.get $first)')} (i32.const 0))`,
    '    (local.set $first (i32.add (local.get $first) (i32.const 1)))',
    '    (br $next))))',
  ].join('\n');
}
