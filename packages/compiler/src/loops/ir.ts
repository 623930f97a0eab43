/**
 * The loop IR: the form of a kernel on every target. A kernel is a nest of loops over typed scalars
 * and vectors that reads and writes buffers. A schedule builds it, the interpreter runs it, a
 * printer prints it; all decisions are made in the schedule.
 *
 * Vectors are types, not loop tags: a schedule uses `f32x4` for four lanes. A loop tag says how the
 * iterations are divided: `grid` among threads or workgroups, `workgroup` and `lane` among the
 * invocations of a workgroup; `unroll` is expanded before printing; `serial` runs in order. Every
 * operation comes from the closed table in `intrinsics.ts`.
 */
import type { IntrinsicName } from './intrinsics.ts';
import type { ElementType, ScalarType, Type } from './types.ts';

export type Expr =
  | { readonly kind: 'const'; readonly type: ScalarType; readonly value: number }
  /**
   * A local, a loop variable or a scalar argument; `index` selects a register of a register array.
   */
  | { readonly kind: 'get'; readonly name: string; readonly type: Type; readonly index: Expr | null }
  /**
   * Reads at element `index`. `contiguous` reads consecutive elements into the lanes; `splat` reads
   * one element (for i8x16: four) into all lanes.
   */
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
  /** The work of one iteration of a grid loop, relative to iterations of other grid loops. */
  readonly work: number;
  readonly tag: LoopTag;
  readonly body: readonly Stmt[];
}

export type Stmt =
  /** Names a value; the name is never reassigned. */
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  /** A register, or an array of registers if `count` is not null; `set` may change it. */
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
  /**
   * No invocation of a workgroup continues until all have reached this point. Outside workgroup and
   * grid loops it synchronises all threads.
   */
  | { readonly kind: 'barrier' };

/**
 * The address of a buffer: absolute, or an offset from an address in the execution table, or in
 * workgroup memory, which is undefined until it is written.
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
  /**
   * Number of elements. An access outside [0, length) is a defect, which the interpreter reports.
   */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readwrite';
  /** Shape, layout and units, for readers of the printed kernel. */
  readonly note: string;
}

export interface Kernel {
  readonly name: string;
  /**
   * i32 arguments in addition to the addresses: `position`, `count`, `row`, `thread` and `threads`.
   */
  readonly scalars: readonly string[];
  readonly buffers: readonly KernelBuffer[];
  readonly body: readonly Stmt[];
}

/** The names of a kernel's address arguments, in order: weight groups ascending, then state. */
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

/** The expressions of a statement itself, without those of nested statements. */
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
