/**
 * Causal attention over the state slot: per token and query head, scores over all earlier positions, a softmax that subtracts the maximum,
 * and the weighted sum of values. Three plain passes over a row of scores; the keys and values of one head lie together
 * ([kvHeads, context, stride]), so each pass reads memory in order.
 */
import {
  add,
  apply,
  type Builder,
  constant,
  f32,
  type Index,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  sub,
  times,
} from '../loops/build.ts';
import type { Expr, Kernel } from '../loops/ir.ts';
import { exp, maxLanes, sumLanes } from '../loops/math.ts';
import type { FusedOp } from '../program/ir.ts';
import type { KernelScope } from './scope.ts';

/** Value vectors summed at once: their accumulators must stay in registers. */
const VALUE_VECTORS = 8;

/** The kernel of an attention operation. */
export function attentionKernel(scope: KernelScope, op: Extract<FusedOp, { op: 'attention' }>): Kernel {
  const { context } = scope.plan.program;
  const q = scope.arena(op.q, 'read');
  const keys = scope.state(op.k, 'read');
  const values = scope.state(op.v, 'read');
  const scoresOut = scope.arena(op.scores, 'write');
  const scores = scope.arena(op.scores, 'read');
  const out = scope.arena(op.out, 'write');
  const floor = -3e38;
  const scoresAt = times(scope.ownThread(), scope.width(op.scores));

  const body = (perToken: Builder, token: Index): void => {
    const length = perToken.let('length', plus(scope.position(token), 1));
    // vectors of four positions, then the rest one by one
    const whole = perToken.let('whole', times(quotient(length, 4), 4));
    perToken.loop(scope.lowering === 'decode' ? 'grid' : 'serial', 'h', { to: op.heads }, (b, h) => {
      const kvHead = b.let('kvHead', quotient(h, op.heads / op.kvHeads));
      const qAt = b.let('qAt', plus(times(token, scope.width(op.q)), times(h, op.keyStride)));
      const keysAt = b.let('keysAt', times(kvHead, context * op.keyStride));

      b.loop('serial', 'p', { to: length }, (perKey, p) => {
        const at = perKey.let('keyAt', plus(keysAt, times(p, op.keyStride)));
        const acc = perKey.variable('acc', constant('f32x4', 0));
        perKey.loop('serial', 'i', { to: op.keyStride, step: 4 }, (_, i) =>
          acc.set(add(acc.get(), mul(load(q, plus(qAt, i), 'f32x4'), load(keys, plus(at, i), 'f32x4')))),
        );
        perKey.store(scoresOut, plus(scoresAt, p), mul(sumLanes(perKey, acc.get()), f32(op.scale)));
      });

      const max4 = b.variable('max4', constant('f32x4', floor));
      b.loop('serial', 'p', { to: whole, step: 4 }, (_, p) =>
        max4.set(apply('max', max4.get(), load(scores, plus(scoresAt, p), 'f32x4'))),
      );
      const max = b.variable('max', maxLanes(b, max4.get()));
      b.loop('serial', 'p', { from: whole, to: length }, (_, p) =>
        max.set(apply('max', max.get(), load(scores, plus(scoresAt, p), 'f32'))),
      );

      const sum4 = b.variable('sum4', constant('f32x4', 0));
      const sum = b.variable('sum', f32(0));
      const weigh = (type: 'f32' | 'f32x4', from: Expr | number, to: Expr, step: number): void => {
        const largest = type === 'f32' ? max.get() : apply('splat', max.get());
        const into = type === 'f32' ? sum : sum4;
        b.loop('serial', 'p', { from, to, step }, (inner, p) => {
          const weight = exp(inner, sub(load(scores, plus(scoresAt, p), type), largest));
          into.set(add(into.get(), weight));
          inner.store(scoresOut, plus(scoresAt, p), weight);
        });
      };
      weigh('f32x4', 0, whole, 4);
      weigh('f32', whole, length, 1);
      const inverse = b.let('inverse', apply('splat', apply('div', f32(1), add(sumLanes(b, sum4.get()), sum.get()))));

      const valuesAt = b.let('valuesAt', times(kvHead, context * op.valueStride));
      const outAt = b.let('outAt', plus(times(token, scope.width(op.out)), times(h, op.valueStride)));
      for (let first = 0; first < op.valueStride; first += 4 * VALUE_VECTORS) {
        const vectors = Math.min(VALUE_VECTORS, (op.valueStride - first) / 4);
        const acc = b.registers('acc', vectors, constant('f32x4', 0));
        b.loop('serial', 'p', { to: length }, (perValue, p) => {
          const weight = perValue.let('weight', loadSplat(scores, plus(scoresAt, p), 'f32x4'));
          const at = perValue.let('valueAt', plus(valuesAt, plus(times(p, op.valueStride), first)));
          perValue.loop('unroll', 'v', { to: vectors }, (_, v) =>
            acc.set(add(acc.get(v), mul(weight, load(values, plus(at, times(v, 4)), 'f32x4'))), v),
          );
        });
        b.loop('unroll', 'v', { to: vectors }, (inner, v) =>
          inner.store(out, plus(plus(outAt, first), times(v, 4)), mul(acc.get(v), inverse)),
        );
      }
    });
  };
  scope.eachToken(scope.b, 1, body, 'grid');
  return scope.kernel(op.name);
}
