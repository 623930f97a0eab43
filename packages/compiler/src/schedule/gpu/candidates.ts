/**
 * Lists candidates for the next token, for sampling rules that run on the CPU. Every invocation
 * keeps the best few tokens of its share of the vocabulary, so the list needs no sorting and no
 * atomics. The list contains the best tokens of all unless too many of them fall into one share.
 * The reader can detect that: no token outside the list is better than the last one kept of its
 * share. The kernel also stores what top-p needs: the sum over all tokens of exp((logit - largest)
 * / temperature).
 */
import { GPU_STEP } from '@lamella/runtime/step';
import { add, apply, type Builder, f32, i32, load, mul, plus, sub } from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { exp } from '../../loops/math.ts';
import { noisy } from './argmax.ts';
import { reduceAll } from './reduce.ts';
import { CANDIDATES, type GpuScope } from './scope.ts';

/** Number of invocations, and of tokens that each one keeps. */
const { lanes, each } = CANDIDATES;

export function candidatesKernel(scope: GpuScope): Kernel {
  const { vocab } = scope.plan.program;
  const logits = scope.logits('read');
  const { ids, values, total } = scope.candidates();
  scope.b.loop('workgroup', 'lane', { to: lanes }, (b, lane) => {
    const scratch = scope.shared('scratch', 'f32', lanes, 'one entry an invocation');
    const score = noisy(scope, b);
    const largest = b.variable('largest', f32(-3.4e38));
    const scores = [...Array(each).keys()].map((k) => b.variable(`score${k}`, f32(-3.4e38)));
    const kept = [...Array(each).keys()].map((k) => b.variable(`id${k}`, i32(-1)));
    b.loop('serial', 'i', { from: lane, to: vocab, step: lanes }, (inner, i) => {
      const x = inner.let('x', load(logits, i, 'f32'));
      largest.set(apply('max', largest.get(), x));
      const s = inner.let('s', score(inner, x, i));
      inner.when(apply('less', scores.at(-1)!.get(), s), (better) => {
        scores.at(-1)!.set(s);
        kept.at(-1)!.set(i);
        for (let k = each - 2; k >= 0; k--) bubble(better, scores, kept, k);
      });
    });
    for (let k = 0; k < each; k++) {
      const at = plus(lane, k * lanes);
      b.store(ids, at, kept[k]!.get());
      b.when(apply('less', i32(-1), kept[k]!.get()), (there) =>
        there.store(values, at, load(logits, kept[k]!.get(), 'f32')),
      );
    }
    const most = reduceAll(b, scratch, lane, lanes, largest.get(), (x, y) => apply('max', x, y));
    const inverse = b.let('inverse', apply('floatOf', load(scope.step(), GPU_STEP.inverse, 'i32')));
    const sum = b.variable('sum', f32(0));
    b.loop('serial', 'i', { from: lane, to: vocab, step: lanes }, (inner, i) =>
      sum.set(add(sum.get(), exp(inner, mul(sub(load(logits, i, 'f32'), most), inverse)))),
    );
    const all = reduceAll(b, scratch, lane, lanes, sum.get(), add);
    b.when(apply('less', lane, i32(1)), (one) => one.store(total, 0, all));
  });
  return scope.kernel('candidates');
}

type Registers = readonly { get(): Expr; set(value: Expr): void }[];

/** Swaps entries k and k + 1 if k + 1 is better. */
function bubble(b: Builder, scores: Registers, ids: Registers, k: number): void {
  b.when(apply('less', scores[k]!.get(), scores[k + 1]!.get()), (inner) => {
    for (const list of [scores, ids]) {
      const worse = inner.let('worse', list[k]!.get());
      list[k]!.set(list[k + 1]!.get());
      list[k + 1]!.set(worse);
    }
  });
}
