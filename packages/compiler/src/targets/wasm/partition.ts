/**
 * Who runs what. A schedule tags independent iterations `grid` and puts a barrier where a later phase reads what others wrote. On one
 * thread that means nothing: loops run whole and barriers go. With threads, each takes a contiguous share of every grid loop; shares
 * depend on nothing but the count of threads, and every result is computed by one thread in one order, so results do not depend on it
 * at all. Statements outside grid loops are run by all: they may only write what belongs to their thread.
 */
import { apply, argument, plus, quotient, sub, times } from '../../loops/build.ts';
import type { Expr, Kernel, Stmt } from '../../loops/ir.ts';
import type { Features } from '../../loops/types.ts';

/** The kernel without grid loops, for one thread or for thread `thread` of `threads`. */
export function partition(kernel: Kernel, features: Features): Kernel {
  if (!features.has('threads')) return { ...kernel, body: whole(kernel.body) };
  const scalars = new Set([...kernel.scalars, 'thread', 'threads']);
  return { ...kernel, scalars: [...scalars], body: shared(kernel.body) };
}

function whole(body: readonly Stmt[]): Stmt[] {
  return body.flatMap((s): Stmt[] => {
    if (s.s === 'barrier') return [];
    if (s.s === 'for') return [{ ...s, tag: s.tag === 'grid' ? 'serial' : s.tag, body: whole(s.body) }];
    return [s.s === 'if' ? { ...s, body: whole(s.body) } : s];
  });
}

function shared(body: readonly Stmt[]): Stmt[] {
  return body.flatMap((s): Stmt[] => {
    if (s.s === 'if') return [{ ...s, body: shared(s.body) }];
    if (s.s !== 'for') return [s];
    if (s.tag !== 'grid') return [{ ...s, body: shared(s.body) }];
    const { from, to, step } = s;
    const length = from.e === 'const' && to.e === 'const' ? to.value - from.value : sub(to, from);
    const count = quotient(plus(length, step - 1), step);
    const share = (thread: Expr): Expr => {
      const first = apply('quotient', times(count, thread), argument('threads'));
      return plus(from, times(first, step));
    };
    const [first, end] = [`${s.name}.first`, `${s.name}.end`];
    const local = (name: string): Expr => ({ e: 'get', name, type: 'i32', index: null });
    // the last step may be a short one
    const last = step === 1 ? [] : [{ s: 'let' as const, name: `${s.name}.last`, value: smaller(local(end), to) }];
    return [
      { s: 'let', name: first, value: share(argument('thread')) },
      { s: 'let', name: end, value: share(plus(argument('thread'), 1)) },
      ...last,
      { ...s, from: local(first), to: local(step === 1 ? end : `${s.name}.last`), tag: 'serial', body: whole(s.body) },
    ];
  });
}

const smaller = (a: Expr, b: Expr): Expr => apply('select', apply('less', a, b), a, b);
