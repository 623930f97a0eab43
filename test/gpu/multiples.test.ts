/**
 * The proved divisor of an index divides it for every value of its locals, and division by it
 * leaves no remainder.
 */
import { apply, argument, Builder, i32, plus, quotient, remainder, times } from '@lamella/compiler/loops/build';
import { intrinsics } from '@lamella/compiler/loops/intrinsics';
import type { Expr, Kernel } from '@lamella/compiler/loops/ir';
import { multiplesIn } from '@lamella/compiler/loops/multiples';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const names = ['position', 'count', 'row'] as const;
const kernel: Kernel = { name: 'k', scalars: names, buffers: [], body: new Builder().statements };
const small = fc.integer({ min: 1, max: 48 });

const { index } = fc.letrec<{ index: Expr }>((tie) => ({
  index: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...names).map((name) => argument(name)),
    small.map((n) => i32(n)),
    fc.tuple(tie('index'), tie('index')).map(([a, b]) => plus(a, b)),
    fc.tuple(tie('index'), small).map(([a, n]) => times(a, n)),
    fc.tuple(tie('index'), small).map(([a, n]) => quotient(a, n)),
    fc.tuple(tie('index'), small).map(([a, n]) => remainder(a, n)),
    fc.tuple(tie('index'), tie('index')).map(([a, b]) => apply('select', apply('less', a, b), a, b)),
  ),
}));

function value(e: Expr, locals: Readonly<Record<string, number>>): number {
  if (e.kind === 'const') return e.value;
  if (e.kind === 'get') return locals[e.name]!;
  if (e.kind !== 'apply') throw new Error('indices here read no memory');
  return intrinsics[e.fn].meaning(
    e.args.map((a) => value(a, locals)),
    e.args[0]!.type,
    e.lanes,
  ) as number;
}

test('a proved divisor divides', () => {
  const { of, divide } = multiplesIn(kernel);
  fc.assert(
    fc.property(index, fc.array(fc.nat(50), { minLength: 3, maxLength: 3 }), (e, values) => {
      const locals = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      const [exact, by] = [value(e, locals), of(e)];
      // small numbers only: an i32 that has wrapped is not an index
      fc.pre(exact >= 0 && exact < 2 ** 28);
      if (by === 0) expect(exact).toBe(0);
      else {
        expect(exact % by).toBe(0);
        expect(value(divide(e, by), locals)).toBe(exact / by);
      }
    }),
    { numRuns: 2000 },
  );
});
