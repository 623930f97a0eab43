/**
 * Functions with which schedules write loop IR: typed constructors for expressions, and a builder
 * that collects statements. Constants are folded, so that golden texts stay short. A type error in
 * a schedule throws here, while the schedule's own line is on the stack.
 */
import { type IntrinsicName, intrinsics } from './intrinsics.ts';
import type { Expr, KernelBuffer, LoopTag, Stmt } from './ir.ts';
import type { ScalarType, Type } from './types.ts';

/** An i32 expression used as an index; plain numbers are constants. */
export type Index = Expr | number;

export const i32 = (value: number): Expr => ({ kind: 'const', type: 'i32', value });
export const f32 = (value: number): Expr => ({ kind: 'const', type: 'f32', value: Math.fround(value) });
/** A constant of `type`: a scalar, or the same value in all lanes. */
export function constant(type: 'f32' | 'f32x4' | 'i32' | 'i32x4', value: number): Expr {
  const scalar = type === 'i32' || type === 'i32x4' ? i32(value) : f32(value);
  return type === 'f32x4' || type === 'i32x4' ? apply('splat', scalar) : scalar;
}
export const index = (x: Index): Expr => (typeof x === 'number' ? i32(x) : x);
const literal = (e: Expr): number | null => (e.kind === 'const' ? e.value : null);

/** An operation of the intrinsic table. Throws if the argument types do not fit it. */
export function apply(fn: IntrinsicName, ...args: Expr[]): Expr {
  return applyLanes(fn, [], ...args);
}

/** An operation that takes lane numbers (`extract`, `shuffle`). */
export function applyLanes(fn: IntrinsicName, lanes: readonly number[], ...args: Expr[]): Expr {
  const type = intrinsics[fn].type(args.map((a) => a.type));
  if (!type) throw new Error(`${fn} does not take (${args.map((a) => a.type).join(', ')})`);
  return { kind: 'apply', fn, args, type, lanes };
}

/** Adds indices; constants are folded. */
export function plus(a: Index, b: Index): Expr {
  const [x, y] = [index(a), index(b)];
  const [p, q] = [literal(x), literal(y)];
  if (p !== null && q !== null) return i32(p + q);
  if (p === 0) return y;
  if (q === 0) return x;
  return apply('add', x, y);
}
export function times(a: Index, b: Index): Expr {
  const [x, y] = [index(a), index(b)];
  const [p, q] = [literal(x), literal(y)];
  if (p !== null && q !== null) return i32(p * q);
  if (p === 0 || q === 0) return i32(0);
  if (p === 1) return y;
  if (q === 1) return x;
  return apply('mul', x, y);
}
export function quotient(a: Index, b: number): Expr {
  const p = literal(index(a));
  if (p !== null) return i32(Math.floor(p / b));
  return b === 1 ? index(a) : apply('quotient', index(a), i32(b));
}
export function remainder(a: Index, b: number): Expr {
  const p = literal(index(a));
  if (p !== null) return i32(p % b);
  return b === 1 ? i32(0) : apply('remainder', index(a), i32(b));
}

export const add = (a: Expr, b: Expr): Expr => apply('add', a, b);
export const sub = (a: Expr, b: Expr): Expr => apply('sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => apply('mul', a, b);

/** Loads consecutive elements, one per lane. */
export function load(buffer: KernelBuffer, at: Index, type: Type): Expr {
  return { kind: 'load', buffer: buffer.name, index: index(at), type, access: 'contiguous' };
}
/** Loads one element into all lanes (for i8x16: a word of four elements). */
export function loadSplat(buffer: KernelBuffer, at: Index, type: Type): Expr {
  return { kind: 'load', buffer: buffer.name, index: index(at), type, access: 'splat' };
}

/** A register or register array of the kernel being built. */
export interface Register {
  get(at?: Index): Expr;
  set(value: Expr, at?: Index): void;
}

/** The scalar arguments that a kernel may have; locals must not use these names. */
export const scalarArguments: readonly string[] = ['position', 'count', 'row', 'thread', 'threads'];

/** Collects the statements of a kernel. Names are made unique; callbacks build nested bodies. */
export class Builder {
  readonly #names: Map<string, number>;
  readonly statements: Stmt[] = [];

  constructor(names = new Map(scalarArguments.map((name) => [name, 1]))) {
    this.#names = names;
  }

  #unique(name: string): string {
    const n = this.#names.get(name) ?? 0;
    this.#names.set(name, n + 1);
    return n === 0 ? name : `${name}.${n}`;
  }

  /** Names a value so that it is computed once. A constant stays as it is. */
  let(name: string, value: Expr): Expr {
    if (value.kind === 'const') return value;
    const unique = this.#unique(name);
    this.statements.push({ kind: 'let', name: unique, value });
    return { kind: 'get', name: unique, type: value.type, index: null };
  }

  /** A register that `set` changes. */
  variable(name: string, init: Expr): Register {
    return this.#declare(name, null, init);
  }

  /** An array of `count` registers, all initialised with `init`. */
  registers(name: string, count: number, init: Expr): Register {
    return this.#declare(name, count, init);
  }

  #declare(name: string, count: number | null, init: Expr): Register {
    const unique = this.#unique(name);
    this.statements.push({ kind: 'var', name: unique, type: init.type, count, init });
    const at = (i: Index | undefined) => (i === undefined ? null : index(i));
    return {
      get: (i) => ({ kind: 'get', name: unique, type: init.type, index: at(i) }),
      // `set` writes into the innermost open body, wherever the register was declared
      set: (value, i) => void this.#innermost().statements.push({ kind: 'set', name: unique, index: at(i), value }),
    };
  }

  #child: Builder | null = null;
  #innermost(): Builder {
    return this.#child ? this.#child.#innermost() : this;
  }

  store(buffer: KernelBuffer, at: Index, value: Expr): void {
    this.statements.push({ kind: 'store', buffer: buffer.name, index: index(at), value });
  }

  #nested(build: (inner: Builder) => void): Stmt[] {
    const inner = new Builder(this.#names);
    this.#child = inner;
    build(inner);
    this.#child = null;
    return inner.statements;
  }

  /** for name in [from, to) step `step`; the body receives the loop variable. */
  loop(
    tag: LoopTag,
    name: string,
    range: { readonly from?: Index; readonly to: Index; readonly step?: number; readonly work?: number },
    build: (inner: Builder, i: Expr) => void,
  ): void {
    const unique = this.#unique(name);
    const variable: Expr = { kind: 'get', name: unique, type: 'i32', index: null };
    const body = this.#nested((inner) => build(inner, variable));
    const { from = 0, to, step = 1, work = 1 } = range;
    this.statements.push({ kind: 'for', name: unique, from: index(from), to: index(to), step, work, tag, body });
  }

  when(condition: Expr, build: (inner: Builder) => void): void {
    // a constant condition needs no code
    if (condition.kind === 'const') {
      if (condition.value) build(this);
      return;
    }
    this.statements.push({ kind: 'if', condition, body: this.#nested(build) });
  }

  barrier(): void {
    this.statements.push({ kind: 'barrier' });
  }
}

/**
 * Names each distinct expression once within one straight-line body, so that an epilogue computes a
 * value shared by two results once.
 */
export class Names {
  readonly #b: Builder;
  readonly #known = new Map<string, Expr>();

  constructor(b: Builder) {
    this.#b = b;
  }

  /** The name of this value; constants and names are returned unchanged. */
  let(name: string, value: Expr): Expr {
    if (value.kind === 'const' || value.kind === 'get') return value;
    const key = JSON.stringify(value);
    const named = this.#known.get(key) ?? this.#b.let(name, value);
    this.#known.set(key, named);
    return named;
  }
}

/** A scalar argument of the kernel: `position`, `count`, `row`. */
export const argument = (name: string, type: ScalarType = 'i32'): Expr => ({ kind: 'get', name, type, index: null });
