/**
 * Chooses the next token on the GPU: the first largest logit, or a draw, which is the largest logit
 * after noise. The choice becomes the next step's token and the position advances, so tokens follow
 * each other without a readback. The driver reads the ids from `history` later.
 */
import { GPU_STEP } from '@lamella/runtime/step';
import { add, apply, applyLanes, type Builder, f32, i32, load, mul, plus, times } from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { noise, noiseKey } from './noise.ts';
import type { GpuScope } from './scope.ts';

const LANES = 256;

/**
 * The kernel that chooses a token, stores it, and sets position, count and row for the next step;
 * `draw` adds noise.
 */
export function argmaxKernel(scope: GpuScope, how: 'argmax' | 'draw'): Kernel {
  const { vocab } = scope.plan.program;
  const logits = scope.logits('read');
  const values = scope.shared('values', 'f32', LANES, 'largest of each invocation');
  const places = scope.shared('places', 'i32', LANES, 'where they are');
  scope.b.loop('workgroup', 'lane', { to: LANES }, (b, lane) => {
    const score = how === 'draw' ? noisy(scope, b) : (_: Builder, x: Expr): Expr => x;
    const value = b.variable('value', f32(-3.4e38));
    // past the vocabulary: if all logits are NaN, no comparison succeeds
    const place = b.variable('place', i32(vocab));
    const consider = (b: Builder, logit: Expr, i: Expr): void => {
      const x = b.let('x', score(b, logit, i));
      b.when(apply('less', value.get(), x), () => {
        value.set(x);
        place.set(i);
      });
    };
    // four per iteration, in one load
    const quads = Math.floor(vocab / 4);
    b.loop('serial', 'quad', { from: lane, to: quads, step: LANES }, (inner, quad) => {
      const four = inner.let('four', load(logits, times(quad, 4), 'f32x4'));
      for (const j of [0, 1, 2, 3]) consider(inner, applyLanes('extract', [j], four), plus(times(quad, 4), j));
    });
    if (4 * quads < vocab)
      b.loop('serial', 'i', { from: plus(lane, 4 * quads), to: vocab, step: LANES }, (inner, i) =>
        consider(inner, load(logits, i, 'f32'), i),
      );
    b.store(values, lane, value.get());
    b.store(places, lane, place.get());
    b.barrier();
    for (let n = LANES / 2; n >= 1; n /= 2) {
      b.when(apply('less', lane, i32(n)), (inner) => {
        const [x, y] = [0, n].map((d) => inner.let('x', load(values, plus(lane, d), 'f32'))) as [Expr, Expr];
        const [i, j] = [0, n].map((d) => inner.let('i', load(places, plus(lane, d), 'i32'))) as [Expr, Expr];
        inner.when(apply('less', i32(0), isBetter(x, i, y, j)), (better) => {
          better.store(values, lane, y);
          better.store(places, lane, j);
        });
      });
      b.barrier();
    }
    b.when(apply('less', lane, i32(1)), (one) => finish(scope, one, one.let('id', load(places, 0, 'i32'))));
  });
  return scope.kernel(how);
}

/**
 * Adds noise to the logit of token i, from the step's seed and temperature, for the position that
 * the choice will have.
 */
export function noisy(scope: GpuScope, b: Builder): (b: Builder, logit: Expr, i: Expr) => Expr {
  const words = scope.step();
  const position = plus(load(words, GPU_STEP.position, 'i32'), load(words, GPU_STEP.count, 'i32'));
  const key = noiseKey(b, load(words, GPU_STEP.seed, 'i32'), position);
  const temperature = b.let('temperature', apply('floatOf', load(words, GPU_STEP.temperature, 'i32')));
  return (inner, logit, i) => add(logit, mul(temperature, noise(inner, key, i)));
}

/** 1 where y at j precedes x at i: y is larger, or equal and j is smaller. */
function isBetter(x: Expr, i: Expr, y: Expr, j: Expr): Expr {
  const earlier = apply('select', apply('less', j, i), i32(1), i32(0));
  const notLess = apply('select', apply('less', y, x), i32(0), earlier);
  return apply('select', apply('less', x, y), i32(1), notLess);
}

function finish(scope: GpuScope, b: Builder, id: Expr): void {
  const words = scope.step();
  const position = b.let('position', plus(load(words, GPU_STEP.position, 'i32'), load(words, GPU_STEP.count, 'i32')));
  b.store(scope.tokens('write'), 0, id);
  b.store(scope.history(), position, id);
  b.store(words, GPU_STEP.position, position);
  b.store(words, GPU_STEP.count, i32(1));
  b.store(words, GPU_STEP.row, i32(0));
}
