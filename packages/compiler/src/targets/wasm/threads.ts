/**
 * Synchronisation of a module's threads. Thread 0 is the caller's; the others wait in `serve` and
 * take part in every call.
 *
 * Within a step, threads meet at flag barriers: each stores the number of its phase in its own
 * cache line and reads the others' until all have arrived (50 ns on two cores, where waking a
 * sleeping thread takes 25 us). Between steps they spin for a while, then sleep, so that an idle
 * model uses no CPU. A thread that has spun as long in a barrier gives up its core for a moment, in
 * case the thread it waits for has none. The loader sets the length of that while (`patience`),
 * because it depends on the number of cores.
 */
import { STEP_LINE_BYTES, WASM_STEP, WORD } from '@lamella/runtime/step';

/** Nanoseconds that a thread sleeps after it has read a word `patience` times in a barrier. */
const REST = 50_000;

/**
 * The functions `$barrier` and `$together` and the exports `serve` and `stop`. `commands[i]` is the
 * text that every thread runs for command i.
 */
export function threadFunctions(step: number, commands: readonly (readonly string[])[]): string[] {
  const line = Math.log2(STEP_LINE_BYTES);
  const flag = (thread: string) =>
    `offset=${step + WASM_STEP.phases * WORD} (i32.shl (local.get $${thread}) (i32.const ${line}))`;
  const at = (word: number) => `(i32.const ${step + word * WORD})`;
  const labels = commands.map((_, i) => `$command${i}`);
  return [
    '(func $barrier (param $thread i32) (local $phase i32) (local $other i32) (local $reads i32)',
    `  (local.set $phase (i32.add (i32.atomic.load ${flag('thread')}) (i32.const 1)))`,
    `  (i32.atomic.store ${flag('thread')} (local.get $phase))`,
    '  (loop $next',
    '    (local.set $reads (i32.const 0))',
    '    (block $here (loop $again',
    // phase numbers wrap around, so compare their difference
    `      (br_if $here (i32.ge_s (i32.sub (i32.atomic.load ${flag('other')}) (local.get $phase)) (i32.const 0)))`,
    '      (local.set $reads (i32.add (local.get $reads) (i32.const 1)))',
    `      (br_if $again (i32.lt_u (local.get $reads) (i32.load ${at(WASM_STEP.patience)})))`,
    `      (drop (memory.atomic.wait32 ${at(WASM_STEP.never)} (i32.const 0) (i64.const ${REST})))`,
    '      (local.set $reads (i32.const 0))',
    '      (br $again)))',
    '    (local.set $other (i32.add (local.get $other) (i32.const 1)))',
    `    (br_if $next (i32.lt_u (local.get $other) (i32.load ${at(WASM_STEP.threads)})))))`,

    '(func $run (param $thread i32)',
    `  ${labels
      .toReversed()
      .map((l) => `(block ${l}`)
      .join(' ')} (br_table ${labels.join(' ')} (i32.load ${at(WASM_STEP.command)}))`,
    ...commands.flatMap((lines) => ['  )', ...lines.map((l) => `  ${l}`), '  (return)']),
    ')',

    '(func $begin',
    `  (drop (i32.atomic.rmw.add ${at(WASM_STEP.begun)} (i32.const 1)))`,
    `  (drop (memory.atomic.notify ${at(WASM_STEP.begun)} (i32.const -1))))`,

    '(func $together (param $command i32)',
    `  (i32.store ${at(WASM_STEP.command)} (local.get $command))`,
    '  (call $begin)',
    '  (call $run (i32.const 0)))',

    '(func (export "serve") (param $thread i32) (local $steps i32) (local $reads i32)',
    '  (loop $next',
    '    (local.set $reads (i32.const 0))',
    '    (block $begun (loop $again',
    `      (br_if $begun (i32.ne (i32.atomic.load ${at(WASM_STEP.begun)}) (local.get $steps)))`,
    '      (local.set $reads (i32.add (local.get $reads) (i32.const 1)))',
    `      (br_if $again (i32.lt_u (local.get $reads) (i32.load ${at(WASM_STEP.patience)})))`,
    `      (drop (memory.atomic.wait32 ${at(WASM_STEP.begun)} (local.get $steps) (i64.const -1)))`,
    '      (br $again)))',
    '    (local.set $steps (i32.add (local.get $steps) (i32.const 1)))',
    `    (if (i32.load ${at(WASM_STEP.stop)}) (then (return)))`,
    '    (call $run (local.get $thread))',
    '    (br $next)))',
    `(func (export "stop") (i32.store ${at(WASM_STEP.stop)} (i32.const 1)) (call $begin))`,
  ];
}
