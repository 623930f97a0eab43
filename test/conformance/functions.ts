/**
 * A model that applies every element-wise function to results of linears and to values; its logits
 * have a soft cap.
 */
import * as dsl from '@lamella/dsl';
import { functionNames, functionOf } from '@lamella/graph/functions';
import type { Graph } from '@lamella/graph/ir';

type Value = dsl.Tensor;
type Loose = (...args: readonly unknown[]) => Value;
/** The DSL by name, so that a function added to the table is tested without a new line here. */
const by = dsl as unknown as Record<string, Loose>;

export function everyFunction(): Graph {
  const { t, d, vocab } = dsl.dims({ t: 20, d: 12, vocab: 30 });
  const layer = by.block!(
    [t, d],
    () => ({
      norm: by.rmsNorm!(d),
      ...Object.fromEntries(
        functionNames.flatMap((fn) => [
          [`${fn}_a`, by.linear!(d, d)],
          [`${fn}_b`, by.linear!(d, d)],
        ]),
      ),
    }),
    (w: Record<string, (x: Value) => Value>, x: Value) => {
      const n = w.norm!(x);
      return functionNames.reduce((sum, fn) => {
        // a divisor that is never near zero
        const b = by.exp!(by.tanh!(w[`${fn}_b`]!(n)));
        const a = w[`${fn}_a`]!(n);
        const applied = functionOf(fn).arity === 1 ? by.mul!(by[fn]!(a), b) : by[fn]!(a, b);
        return by.add!(sum, by.scale!(applied, 0.2));
      }, x);
    },
  );
  return by.defineModel!(
    'every-function',
    {},
    () => ({
      embed: by.embedding!(vocab, d),
      layers: by.stack!(1, layer, dsl.share.immediate(2)),
      norm: by.rmsNorm!(d),
    }),
    (m: Record<string, Loose> & { embed: Loose & { logits: Loose } }) => {
      const logits = m.embed.logits(m.norm!(m.layers!(m.embed(dsl.input(t)))));
      return by.scale!(by.tanh!(by.scale!(logits, 0.5)), 2);
    },
  ) as unknown as Graph;
}
