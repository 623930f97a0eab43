/**
 * Proves divisors of indices. A GPU may read four words at once only at aligned indices; alignment
 * is proved from constants, strides and loop steps. Such an index is then divided without a
 * remainder.
 */
import { plus, quotient, times } from './build.ts';
import { type Expr, type Kernel, walkStatements } from './ir.ts';

export interface Multiples {
  /** A number that divides the value for all arguments; 0 if the value is always 0. */
  of(e: Expr): number;
  /** e / by, where `by` is a proved divisor of e. */
  divide(e: Expr, by: number): Expr;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** The divisors of a kernel's locals. */
export function multiplesIn(kernel: Kernel): Multiples {
  const known = new Map<string, number>();
  walkStatements(kernel.body, (s) => {
    if (s.kind === 'let') known.set(s.name, of(s.value));
    if (s.kind === 'for') known.set(s.name, gcd(of(s.from), s.step));
  });

  function of(e: Expr): number {
    if (e.kind === 'const') return Math.abs(e.value);
    if (e.kind === 'get') return e.index === null ? (known.get(e.name) ?? 1) : 1;
    if (e.kind !== 'apply') return 1;
    const [a, b, c] = e.args.map((x) => (x.type === 'i32' ? of(x) : 1));
    switch (e.fn) {
      case 'add':
      case 'sub':
        return gcd(a!, b!);
      case 'mul':
        return a! * b!;
      case 'remainder':
        return gcd(a!, b!);
      case 'quotient':
        return e.args[1]!.kind === 'const' && b! > 0 && a! % b! === 0 ? a! / b! : 1;
      case 'select':
        return gcd(b!, c!);
      default:
        return 1;
    }
  }

  function divide(e: Expr, by: number): Expr {
    if (e.kind === 'apply' && e.args.length === 2) {
      const [x, y] = e.args as [Expr, Expr];
      if (e.fn === 'add' && of(x) % by === 0 && of(y) % by === 0) return plus(divide(x, by), divide(y, by));
      if (e.fn === 'mul' && of(y) % by === 0) return times(x, divide(y, by));
      if (e.fn === 'mul' && of(x) % by === 0) return times(divide(x, by), y);
    }
    return quotient(e, by);
  }
  return { of, divide };
}
