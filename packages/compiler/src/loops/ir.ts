/**
 * The loop IR: what a kernel is, on every target. A kernel is a nest of loops over typed scalars and vectors that reads and writes
 * buffers. A schedule builds it, the interpreter runs it, a printer spells it; nothing decides anything after the schedule.
 *
 * Vectors are types, not loop tags: a schedule says `f32x4` where it means four lanes. What a loop tag says is who runs the
 * iterations: `grid` splits over threads or workgroups, `workgroup` and `lane` over the invocations of a workgroup, `unroll` is expanded
 * before printing, `serial` runs in order. Every operation comes from the closed table in `intrinsics.ts`.
 */
import type { IntrinsicName } from './intrinsics.ts';
import type { ElementType, ScalarType, Type } from './types.ts';

export type Expr =
  | { readonly kind: 'const'; readonly type: ScalarType; readonly value: number }
  /** A local, a loop variable or a scalar argument; `index` picks a register of a register array. */
  | { readonly kind: 'get'; readonly name: string; readonly type: Type; readonly index: Expr | null }
  /** Reads at element `index`. `contiguous` fills all lanes from there on, `splat` repeats the element (or, for i8x16, four of them). */
  | {
      readonly kind: 'load';
      readonly buffer: string;
      readonly index: Expr;
      readonly type: Type;
      readonly access: 'contiguous' | 'splat';
    }
  | {
      readonly kind: 'apply';
      readonly fn: IntrinsicName;
      readonly args: readonly Expr[];
      readonly type: Type;
      /** Lane numbers of `extract` and `shuffle`; empty otherwise. */
      readonly lanes: readonly number[];
    };

export type LoopTag = 'grid' | 'workgroup' | 'lane' | 'unroll' | 'serial';

/** Runs the body for name = from, from + step, ... while name < to. */
export interface Loop {
  readonly kind: 'for';
  readonly name: string;
  readonly from: Expr;
  readonly to: Expr;
  readonly step: number;
  /** What an iteration of a grid loop is worth beside those of other grid loops. */
  readonly work: number;
  readonly tag: LoopTag;
  readonly body: readonly Stmt[];
}

export type Stmt =
  /** A name for a value; never changes. */
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  /** A register, or (`count` not null) an array of registers, that `set` may change. */
  | {
      readonly kind: 'var';
      readonly name: string;
      readonly type: Type;
      readonly count: number | null;
      readonly init: Expr;
    }
  | { readonly kind: 'set'; readonly name: string; readonly index: Expr | null; readonly value: Expr }
  | { readonly kind: 'store'; readonly buffer: string; readonly index: Expr; readonly value: Expr }
  | Loop
  | { readonly kind: 'if'; readonly condition: Expr; readonly body: readonly Stmt[] }
  /** All invocations of a workgroup reach here before any goes on; outside any workgroup and grid loop, all threads. */
  | { readonly kind: 'barrier' };

/**
 * Where a buffer lies: an absolute address, or an offset from an address the execution table supplies; or in the memory that the
 * invocations of one workgroup share while they run, whose first contents nobody may read.
 */
export type Address =
  | { readonly kind: 'memory'; readonly offset: number }
  | { readonly kind: 'weights'; readonly group: number; readonly offset: number }
  | { readonly kind: 'state'; readonly offset: number }
  | { readonly kind: 'workgroup' };

export interface KernelBuffer {
  readonly name: string;
  readonly element: ElementType;
  readonly address: Address;
  /** Number of elements; an access outside [0, length) is a defect the interpreter reports. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readwrite';
  /** Shape, layout and units, for the reader. */
  readonly note: string;
}

export interface Kernel {
  readonly name: string;
  /** i32 arguments besides the addresses: `position`, `count`, `row`, and `thread` of `threads`. */
  readonly scalars: readonly string[];
  readonly buffers: readonly KernelBuffer[];
  readonly body: readonly Stmt[];
}

/** The names of the address arguments a kernel takes, in order: weight groups ascending, then state. */
export function addressArguments(kernel: Kernel): readonly string[] {
  const addresses = kernel.buffers.map((b) => b.address);
  const groups = new Set(addresses.flatMap((a) => (a.kind === 'weights' ? [a.group] : [])));
  const state = addresses.some((a) => a.kind === 'state') ? ['state'] : [];
  return [...[...groups].sort((a, b) => a - b).map((group) => `w${group}`), ...state];
}

/** Calls `visit` on every statement, outermost first. */
export function walkStatements(body: readonly Stmt[], visit: (s: Stmt) => void): void {
  for (const s of body) {
    visit(s);
    if (s.kind === 'for') walkStatements(s.body, visit);
    if (s.kind === 'if') walkStatements(s.body, visit);
  }
}

/** The expressions of a statement itself, not of the statements inside it. */
export function expressionsOf(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case 'let':
      return [s.value];
    case 'var':
      return [s.init];
    case 'set':
      return s.index ? [s.index, s.value] : [s.value];
    case 'store':
      return [s.index, s.value];
    case 'for':
      return [s.from, s.to];
    case 'if':
      return [s.condition];
    case 'barrier':
      return [];
    default:
      return s satisfies never;
  }
}

/** The same statements with every expression rewritten by `f` (children first). */
export function mapExpressions(body: readonly Stmt[], f: (e: Expr) => Expr): Stmt[] {
  return body.map((s): Stmt => {
    switch (s.kind) {
      case 'let':
        return { ...s, value: mapExpr(s.value, f) };
      case 'var':
        return { ...s, init: mapExpr(s.init, f) };
      case 'set':
        return { ...s, index: s.index && mapExpr(s.index, f), value: mapExpr(s.value, f) };
      case 'store':
        return { ...s, index: mapExpr(s.index, f), value: mapExpr(s.value, f) };
      case 'for':
        return { ...s, from: mapExpr(s.from, f), to: mapExpr(s.to, f), body: mapExpressions(s.body, f) };
      case 'if':
        return { ...s, condition: mapExpr(s.condition, f), body: mapExpressions(s.body, f) };
      case 'barrier':
        return s;
      default:
        return s satisfies never;
    }
  });
}

/** The same expression rewritten by `f`, children first. */
export function mapExpr(e: Expr, f: (e: Expr) => Expr): Expr {
  switch (e.kind) {
    case 'const':
      return f(e);
    case 'get':
      return f(e.index ? { ...e, index: mapExpr(e.index, f) } : e);
    case 'load':
      return f({ ...e, index: mapExpr(e.index, f) });
    case 'apply':
      return f({ ...e, args: e.args.map((a) => mapExpr(a, f)) });
    default:
      return e satisfies never;
  }
}
