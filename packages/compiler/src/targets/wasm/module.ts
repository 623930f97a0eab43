/**
 * The module around the kernels: one loop over the execution table, with a branch table over kinds.
 * The code contains each kind once and does not depend on how often it runs; the number of rows,
 * the position and the table's address are read from the step region.
 *
 * With threads, every thread has its own instance over one shared memory and runs the same rows;
 * `threads.ts` explains how they synchronise.
 */
import { TABLE_ROW, WASM_STEP, WORD } from '@lamella/runtime/step';
import type { Kernel } from '../../loops/ir.ts';
import type { Features } from '../../loops/types.ts';
import { unroll } from '../../loops/unroll.ts';
import { verifyKernel } from '../../loops/verify.ts';
import type { Plan } from '../../plan/plan.ts';
import type { CpuKernels } from '../../schedule/cpu/schedule.ts';
import type { Lowering } from '../../schedule/scope.ts';
import { partition } from './partition.ts';
import { functionArguments, printFunction } from './print.ts';
import { threadFunctions } from './threads.ts';

/** What a caller may run, by its number in the step region. */
const commands = ['decode', 'prefill', 'head'] as const;

/**
 * The module as text. `exportKernels` also exports every kernel under its own name, for tests that
 * run single kernels.
 */
export function printModule(
  plan: Plan,
  kinds: readonly CpuKernels[],
  features: Features = new Set(),
  exportKernels = false,
): string {
  const threads = features.has('threads');
  const shared = kinds.flatMap((k) => [...k.decode, ...k.prefill]);
  const choices = kinds.flatMap((k) => k.choice);
  const own = new Map([
    ...shared.map((k) => [k, expanded(k, features)] as const),
    // only one thread chooses a token
    ...choices.map((k) => [k, expanded(k, new Set([...features].filter((f) => f !== 'threads')))] as const),
  ]);
  const kernels = [...own.values()];
  const pages = plan.memory.plannedBytes / 65536;
  const step = plan.memory.step.offset;
  const word = (at: number) => `(i32.load (i32.const ${step + at * WORD}))`;
  const setWord = (at: number, value: string) => `(i32.store (i32.const ${step + at * WORD}) ${value})`;
  const [thread, threadParam] = threads ? [' (local.get $thread)', ' (param $thread i32)'] : ['', ''];
  const last = `(i32.sub ${word(WASM_STEP.rows)} (i32.const 1))`;
  const advance = (count: string) => setWord(WASM_STEP.position, `(i32.add ${word(WASM_STEP.position)} ${count})`);
  const whole = {
    decode: [`(call $rows.decode (i32.const 0) ${last}${thread})`, `(call $head (i32.const 0)${thread})`],
    // a table with only a head gives threads no work; they meet at a barrier all the same, because
    // a late thread would take the next command for this one
    prefill: [
      `(if (i32.eq ${word(WASM_STEP.count)} (i32.const 1))`,
      `  (then (call $rows.decode (i32.const 0) ${last}${thread}))`,
      `  (else (call $rows.prefill (i32.const 0) ${last}${thread})))`,
      ...(threads ? [`(call $barrier${thread})`] : []),
    ],
    head: [`(call $head ${word(WASM_STEP.row)}${thread})`],
  };
  /** The statements of an export: the work itself, or the command to all threads to run it. */
  const work = (command: (typeof commands)[number]) =>
    threads ? [`(call $together (i32.const ${commands.indexOf(command)}))`] : whole[command];
  return [
    '(module',
    `(import "env" "memory" (memory ${pages} ${pages}${threads ? ' shared' : ''}))`,
    ...kernels.map((kernel) => printFunction(kernel, features)),
    rowFunction('decode', kinds),
    rowFunction('prefill', kinds),
    ';; rows [first, last) of the table',
    ...(['decode', 'prefill'] as const).map(rowsFunction),
    `(func $head (param $row i32)${threadParam}`,
    `  (call $row.decode ${rowAddress(last)} (local.get $row)${thread}))`,
    ...(threads
      ? threadFunctions(
          step,
          commands.map((c) => whole[c]),
        )
      : []),
    '(func (export "decode")',
    ...work('decode').map((line) => `  ${line}`),
    `  ${advance('(i32.const 1)')})`,
    '(func (export "prefill") (param $count i32)',
    `  ${setWord(WASM_STEP.count, '(local.get $count)')}`,
    ...work('prefill').map((line) => `  ${line}`),
    `  ${advance('(local.get $count)')})`,
    '(func (export "head") (param $row i32)',
    `  ${setWord(WASM_STEP.row, '(local.get $row)')}`,
    ...work('head').map((line) => `  ${line}`),
    ')',
    '(func (export "best") (result i32)',
    ...choices.map((k) => `  ${call(own.get(k)!)}`),
    `  (i32.load (i32.const ${plan.memory.tokens.offset})))`,
    ...(exportKernels
      ? kernels.map((k) => `(export "${k.name}" (func $${k.name}))`).concat(`(export "rows" (func $rows.decode))`)
      : []),
    ')',
    '',
  ].join('\n');

  /** Runs one table row: branches to its kind and calls the kind's kernels in order. */
  function rowFunction(lowering: Lowering, kinds: readonly CpuKernels[]): string {
    const labels = kinds.map((k) => `$${k.kind.name}`);
    const open = kinds.map((_, i) => `(block ${labels[kinds.length - 1 - i]}`).join(' ');
    const last = kinds.length - 1;
    const branch = `(br_table ${labels.join(' ')} ${rowWord(TABLE_ROW.kind)})`;
    const meet = threads ? ' (call $barrier (local.get $thread))' : '';
    const cases = kinds.flatMap((k, i) => [
      `  ) ;; ${k.kind.name}`,
      ...k[lowering].map((kernel) => `  ${call(own.get(kernel)!)}${meet}`),
      ...(i < last ? ['  (return)'] : []),
    ]);
    const head = `(func $row.${lowering} (param $at i32) (param $row i32)${threadParam}`;
    return [head, `  ${open} ${branch}`, ...cases, ')'].join('\n');
  }

  function call(kernel: Kernel): string {
    const args = functionArguments(kernel).map((name) => {
      if (name === 'state') return rowWord(TABLE_ROW.state);
      if (name === 'position') return word(WASM_STEP.position);
      if (name === 'count') return word(WASM_STEP.count);
      if (name === 'row') return '(local.get $row)';
      if (name === 'thread') return '(local.get $thread)';
      if (name === 'threads') return word(WASM_STEP.threads);
      return rowWord(TABLE_ROW.weights + Number(name.slice(1)));
    });
    return `(call $${kernel.name} ${args.join(' ')})`;
  }

  /** A word of the table row at `$at`. */
  function rowWord(word: number): string {
    return `(i32.load ${word === 0 ? '' : `offset=${word * WORD} `}(local.get $at))`;
  }

  function rowAddress(row: string): string {
    return `(i32.add ${word(WASM_STEP.table)} (i32.mul ${row} (i32.const ${plan.rowWords * WORD})))`;
  }

  function rowsFunction(lowering: Lowering): string {
    return [
      `(func $rows.${lowering} (param $first i32) (param $last i32)${threadParam}`,
      '  (block $end (loop $next',
      '    (br_if $end (i32.ge_s (local.get $first) (local.get $last)))',
      `    (call $row.${lowering} ${rowAddress('(local.get $first)')} (i32.const 0)${thread})`,
      '    (local.set $first (i32.add (local.get $first) (i32.const 1)))',
      '    (br $next))))',
    ].join('\n');
  }
}

/** A kernel ready for printing: this thread's share of the work, with loops unrolled. */
function expanded(kernel: Kernel, features: Features): Kernel {
  const own = unroll(partition(kernel, features));
  verifyKernel(own, true, features);
  return own;
}
