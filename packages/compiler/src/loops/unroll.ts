/**
 * Expands `unroll` loops and register arrays before printing: every iteration is written out, every
 * register gets its own name (`acc` of 4 becomes `acc_0` ... `acc_3`), and index arithmetic on
 * constants is folded.
 */
import { plus, quotient, remainder, times } from './build.ts';
import { type Expr, type Kernel, mapExpr, type Stmt } from './ir.ts';

function constantIndex(name: string, e: Expr): number {
  if (e.kind !== 'const') throw new Error(`register array ${name} is indexed by something not constant`);
  return e.value;
}

/** Folds index arithmetic on constants. */
function fold(e: Expr): Expr {
  if (e.kind !== 'apply' || e.type !== 'i32' || e.args.length !== 2) return e;
  const [a, b] = e.args as [Expr, Expr];
  if (a.kind !== 'const' && b.kind !== 'const') return e;
  if (e.fn === 'add') return plus(a, b);
  if (e.fn === 'mul') return times(a, b);
  if (e.fn === 'quotient' && b.kind === 'const') return quotient(a, b.value);
  if (e.fn === 'remainder' && b.kind === 'const') return remainder(a, b.value);
  return e;
}

/** The kernel without `unroll` loops and register arrays. */
export function unroll(kernel: Kernel): Kernel {
  /**
   * The current replacement of each name: the iteration number of an unrolled loop, or the name
   * with a suffix for each enclosing unrolled loop.
   */
  const names = new Map<string, Expr | string>();
  const rename = (name: string, suffix: string): string => {
    const fresh = name + suffix;
    names.set(name, fresh);
    return fresh;
  };
  const register = (name: string, at: Expr | null): string => {
    const base = names.get(name) ?? name;
    if (typeof base !== 'string') throw new Error(`${name} is not a register`);
    return at ? `${base}_${constantIndex(name, at)}` : base;
  };
  const rewriteOne = (e: Expr): Expr => {
    if (e.kind !== 'get') return fold(e);
    const known = names.get(e.name);
    if (known !== undefined && typeof known !== 'string') return known;
    return { ...e, name: register(e.name, e.index), index: null };
  };
  const rewrite = (e: Expr): Expr => mapExpr(e, rewriteOne);

  const expand = (body: readonly Stmt[], suffix: string): Stmt[] =>
    body.flatMap((s): Stmt[] => {
      switch (s.kind) {
        case 'let': {
          const value = rewrite(s.value);
          return [{ ...s, name: rename(s.name, suffix), value }];
        }
        case 'var': {
          const init = rewrite(s.init);
          const name = rename(s.name, suffix);
          if (s.count === null) return [{ ...s, name, init }];
          return Array.from({ length: s.count }, (_, i) => ({ ...s, name: `${name}_${i}`, count: null, init }));
        }
        case 'set': {
          const value = rewrite(s.value);
          const at = s.index && rewrite(s.index);
          return [{ ...s, name: register(s.name, at), index: null, value }];
        }
        case 'store':
          return [{ ...s, index: rewrite(s.index), value: rewrite(s.value) }];
        case 'for': {
          const from = rewrite(s.from);
          const to = rewrite(s.to);
          if (s.tag !== 'unroll') {
            const name = rename(s.name, suffix);
            return [{ ...s, name, from, to, body: expand(s.body, suffix) }];
          }
          const out: Stmt[] = [];
          for (let i = constantIndex(s.name, from); i < constantIndex(s.name, to); i += s.step) {
            names.set(s.name, { kind: 'const', type: 'i32', value: i });
            out.push(...expand(s.body, `${suffix}:${i}`));
          }
          return out;
        }
        case 'if': {
          const condition = rewrite(s.condition);
          return [{ ...s, condition, body: expand(s.body, suffix) }];
        }
        case 'barrier':
          return [{ ...s }];
        default:
          return s satisfies never;
      }
    });

  return { ...kernel, body: expand(kernel.body, '') };
}
