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
 *
 * A long wait in a barrier shows that other programs use the cores: spinning then takes a core from
 * the thread waited for. For the next barriers a thread sleeps early, as competitive spinning does
 * by its last waits (Karlin et al., "Empirical studies of competitive spinning", 1991). Two threads
 * of a 31M model on two cores with 20 other programs: 1.4 to 1.9 tokens/s without this, 12 to 59
 * with it.
 */
import { STEP_LINE_BYTES, WASM_STEP, WORD } from '@lamella/runtime/step';

/** Nanoseconds that a thread sleeps after it has read a word `patience` times in a barrier. */
const REST = 50_000;
/** Reads of a word before a thread sleeps early: about 10 microseconds. */
const EARLY_READS = 1 << 13;
/** Sleeps in one barrier that are a long wait, if they began early: about a millisecond. */
const LONG_RESTS = 8;
/** Barriers in which a thread sleeps early after a long wait: those of some tokens. */
const EARLY_BARRIERS = 1024;

/**
 * The functions `$barrier` and `$together` and the exports `serve` and `stop`. `commands[i]` is the
 * text that every thread runs for command i.
 */
export function threadFunctions(step: number, commands: readonly (readonly string[])[]): string[] {
  const line = Math.log2(STEP_LINE_BYTES);
  const ofThread = (word: number, thread: string) =>
    `offset=${step + word * WORD} (i32.shl (local.get $${thread}) (i32.const ${line}))`;
  const flag = (thread: string) => ofThread(WASM_STEP.phases, thread);
  const early = ofThread(WASM_STEP.early, 'thread');
  const at = (word: number) => `(i32.const ${step + word * WORD})`;
  const labels = commands.map((_, i) => `$command${i}`);
  return [
    '(func $patience (param $thread i32) (result i32)',
    `  (select (i32.const ${EARLY_READS}) (i32.load ${at(WASM_STEP.patience)}) (i32.load ${early})))`,

    '(func $barrier (param $thread i32) (local $phase i32) (local $other i32) (local $reads i32)',
    '  (local $most i32) (local $early i32) (local $rests i32)',
    '  (local.set $most (call $patience (local.get $thread)))',
    `  (local.set $early (i32.load ${early}))`,
    `  (if (local.get $early) (then (i32.store ${early} (i32.sub (local.get $early) (i32.const 1)))))`,
    `  (local.set $phase (i32.add (i32.atomic.load ${flag('thread')}) (i32.const 1)))`,
    `  (i32.atomic.store ${flag('thread')} (local.get $phase))`,
    '  (loop $next',
    '    (local.set $reads (i32.const 0))',
    '    (block $here (loop $again',
    // phase numbers wrap around, so compare their difference
    `      (br_if $here (i32.ge_s (i32.sub (i32.atomic.load ${flag('other')}) (local.get $phase)) (i32.const 0)))`,
    '      (local.set $reads (i32.add (local.get $reads) (i32.const 1)))',
    '      (br_if $again (i32.lt_u (local.get $reads) (local.get $most)))',
    `      (drop (memory.atomic.wait32 ${at(WASM_STEP.never)} (i32.const 0) (i64.const ${REST})))`,
    '      (local.set $rests (i32.add (local.get $rests) (i32.const 1)))',
    `      (if (i32.or (i32.eqz (local.get $early)) (i32.ge_u (local.get $rests) (i32.const ${LONG_RESTS})))`,
    `        (then (i32.store ${early} (i32.const ${EARLY_BARRIERS}))))`,
    `      (local.set $most (i32.const ${EARLY_READS}))`,
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
    '      (br_if $again (i32.lt_u (local.get $reads) (call $patience (local.get $thread))))',
    `      (drop (memory.atomic.wait32 ${at(WASM_STEP.begun)} (local.get $steps) (i64.const -1)))`,
    '      (br $again)))',
    '    (local.set $steps (i32.add (local.get $steps) (i32.const 1)))',
    `    (if (i32.load ${at(WASM_STEP.stop)}) (then (return)))`,
    '    (call $run (local.get $thread))',
    '    (br $next)))',
    `(func (export "stop") (i32.store ${at(WASM_STEP.stop)} (i32.const 1)) (call $begin))`,
  ];
}
