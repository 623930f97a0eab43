/**
 * Verifies loop IR after every schedule and every pass: names are defined once and before use,
 * types fit the intrinsic table, buffers are declared and used as declared, constant indices are in
 * range, barriers are reached by all invocations. A failure is a defect of the compiler, so it is a
 * plain Error that names the kernel.
 */
import { intrinsics } from './intrinsics.ts';
import type { Expr, Kernel, Stmt } from './ir.ts';
import type { ElementType, Features, Type } from './types.ts';

/** Supported loads as 'element type access', each with the number of elements it reads. */
const loads: Readonly<Record<string, number>> = {
  'f32 f32 contiguous': 1,
  'f32 f32x4 contiguous': 4,
  'f32 f32x4 splat': 1,
  // halves, widened
  'f16 f32 contiguous': 1,
  'f16 f32x4 contiguous': 4,
  'i32 i32 contiguous': 1,
  'i32 i32x4 contiguous': 4,
  // one word of four codes, repeated
  'i32 i8x16 splat': 1,
  // one word of two 16-bit numbers, repeated
  'i32 i16x8 splat': 1,
  'i32 i32x4 splat': 1,
  // a vector that was stored by the same kernel
  'i32 i8x16 contiguous': 4,
  'i32 i16x8 contiguous': 4,
  'i32 f32x4 contiguous': 4,
  'i8 i32 contiguous': 1,
  // eight codes, sign-extended
  'i8 i16x8 contiguous': 8,
  // four codes, sign-extended
  'i8 i32x4 contiguous': 4,
  'i8 i8x16 contiguous': 16,
  'u8 i32 contiguous': 1,
  // four bytes, repeated
  'u8 i8x16 splat': 4,
  // four numbers, zero-extended
  'u8 i32x4 contiguous': 4,
};
const stores: Readonly<Record<string, number>> = {
  'f32 f32': 1,
  'f32 f32x4': 4,
  // rounded to halves
  'f16 f32': 1,
  'f16 f32x4': 4,
  'i32 i32': 1,
  'i32 i32x4': 4,
  // sixteen codes, four a word; eight sums, two a word
  'i32 i8x16': 4,
  'i32 i16x8': 4,
  // four numbers
  'i32 f32x4': 4,
};

/** The number of elements that a load reads, or null if the target has no such load. */
export function loadWidth(element: ElementType, type: Type, access: 'contiguous' | 'splat'): number | null {
  return loads[`${element} ${type} ${access}`] ?? null;
}
/** The number of elements that a store writes, or null if there is no such store. */
export function storeWidth(element: ElementType, type: Type): number | null {
  return stores[`${element} ${type}`] ?? null;
}

/**
 * Throws if the kernel breaks a rule or needs a feature that is not in `features`. `expanded` also
 * refuses `unroll` loops and register arrays, as printers require.
 */
export function verifyKernel(kernel: Kernel, expanded = false, features: Features = new Set()): void {
  const fail = (why: string): never => {
    throw new Error(`kernel ${kernel.name}: ${why}`);
  };
  const buffers = new Map(kernel.buffers.map((b) => [b.name, b]));
  if (buffers.size !== kernel.buffers.length) fail('two buffers have one name');

  interface Local {
    readonly type: Type;
    readonly count: number | null;
    readonly mutable: boolean;
    /** Whether all invocations of a workgroup hold the same value. */
    readonly uniform: boolean;
  }
  /** All names so far; null after the end of the body that defines them. */
  const names = new Map<string, Local | null>(
    kernel.scalars.map((n) => [n, { type: 'i32', count: null, mutable: false, uniform: n !== 'thread' }]),
  );

  const typeOf = (e: Expr): Type => {
    switch (e.kind) {
      case 'const':
        if (e.type === 'i32' && !Number.isInteger(e.value)) fail(`i32 constant ${e.value}`);
        return e.type;
      case 'get': {
        const local = names.get(e.name) ?? fail(`${e.name} is used before it is defined`);
        if (local.type !== e.type) fail(`${e.name} is ${local.type}, used as ${e.type}`);
        checkIndex(e.name, local, e.index);
        return e.type;
      }
      case 'load': {
        const buffer = buffers.get(e.buffer) ?? fail(`no buffer ${e.buffer}`);
        if (buffer.access === 'write') fail(`${e.buffer} is read but declared write-only`);
        const width =
          loadWidth(buffer.element, e.type, e.access) ??
          fail(`${e.buffer} (${buffer.element}) cannot be read as ${e.access} ${e.type}`);
        if (typeOf(e.index) !== 'i32') fail(`index of ${e.buffer} is not i32`);
        if (e.index.kind === 'const' && (e.index.value < 0 || e.index.value + width > buffer.length))
          fail(`${e.buffer}[${e.index.value}] is outside its ${buffer.length} elements`);
        return e.type;
      }
      case 'apply': {
        const args = e.args.map(typeOf);
        const { needs } = intrinsics[e.fn];
        if (needs && !features.has(needs)) fail(`${e.fn} needs ${needs} SIMD`);
        if (intrinsics[e.fn].type(args) !== e.type) fail(`${e.fn} of (${args.join(', ')}) is not ${e.type}`);
        const limit = e.fn === 'shuffle' ? 8 : e.fn === 'extract' ? 4 : 0;
        const wanted = e.fn === 'shuffle' ? 4 : e.fn === 'extract' ? 1 : 0;
        if (e.lanes.length !== wanted || e.lanes.some((l) => l < 0 || l >= limit)) fail(`${e.fn} lanes ${e.lanes}`);
        return e.type;
      }
      default:
        return e satisfies never;
    }
  };
  /** Whether all invocations of a workgroup are certain to compute the same value. */
  const isUniform = (e: Expr): boolean => {
    if (e.kind === 'const') return true;
    if (e.kind === 'get') return names.get(e.name)?.uniform === true && e.index === null;
    return e.kind === 'apply' && e.args.every(isUniform);
  };
  const checkIndex = (name: string, local: Local, at: Expr | null): void => {
    if (expanded && (at || local.count !== null)) fail(`${name} is still a register array`);
    if (!at) {
      if (local.count !== null) fail(`${name} is a register array and needs an index`);
      return;
    }
    if (local.count === null) fail(`${name} is one register`);
    if (typeOf(at) !== 'i32') fail(`index of ${name} is not i32`);
    if (at.kind === 'const' && (at.value < 0 || at.value >= (local.count ?? 0)))
      fail(`${name}[${at.value}] of ${local.count}`);
  };
  const define = (name: string, local: Local): void => {
    if (names.has(name)) fail(`${name} is defined twice`);
    names.set(name, local);
  };

  /** The loops and conditions around a statement. */
  interface Nesting {
    readonly grid: boolean;
    readonly workgroup: boolean;
    readonly conditional: boolean;
  }
  const walk = (body: readonly Stmt[], nesting: Nesting): void => {
    for (const s of body) {
      switch (s.kind) {
        case 'let':
          define(s.name, {
            type: typeOf(s.value),
            count: null,
            mutable: false,
            uniform: isUniform(s.value),
          });
          break;
        case 'var':
          if (typeOf(s.init) !== s.type) fail(`${s.name} starts with another type`);
          if (expanded && s.count !== null) fail(`${s.name} is still a register array`);
          define(s.name, { type: s.type, count: s.count, mutable: true, uniform: false });
          break;
        case 'set': {
          const local = names.get(s.name) ?? fail(`${s.name} is set before it is defined`);
          if (!local.mutable) fail(`${s.name} is not a register`);
          checkIndex(s.name, local, s.index);
          const type = typeOf(s.value);
          if (type !== local.type) fail(`${s.name} is ${local.type}, set to ${type}`);
          break;
        }
        case 'store': {
          const buffer = buffers.get(s.buffer) ?? fail(`no buffer ${s.buffer}`);
          if (buffer.access === 'read') fail(`${s.buffer} is written but declared read-only`);
          const type = typeOf(s.value);
          const width = storeWidth(buffer.element, type) ?? fail(`${type} cannot be stored to ${s.buffer}`);
          if (typeOf(s.index) !== 'i32') fail(`index of ${s.buffer} is not i32`);
          if (s.index.kind === 'const' && (s.index.value < 0 || s.index.value + width > buffer.length))
            fail(`${s.buffer}[${s.index.value}] is outside its ${buffer.length} elements`);
          break;
        }
        case 'for': {
          if (typeOf(s.from) !== 'i32' || typeOf(s.to) !== 'i32') fail(`bounds of ${s.name} are not i32`);
          if (!(Number.isInteger(s.step) && s.step > 0)) fail(`step of ${s.name} is ${s.step}`);
          if (s.tag === 'unroll') {
            if (expanded) fail(`loop ${s.name} is still to be unrolled`);
            if (s.from.kind !== 'const' || s.to.kind !== 'const')
              fail(`loop ${s.name} is unrolled but its bounds vary`);
          }
          const together = isUniform(s.from) && isUniform(s.to);
          const one = s.tag === 'workgroup' || s.tag === 'lane';
          define(s.name, { type: 'i32', count: null, mutable: false, uniform: together && !one });
          walk(s.body, {
            grid: nesting.grid || s.tag === 'grid',
            workgroup: nesting.workgroup || s.tag === 'workgroup',
            conditional: nesting.conditional || !together,
          });
          names.set(s.name, null);
          break;
        }
        case 'if':
          if (typeOf(s.condition) !== 'bool') fail('a condition is not bool');
          walk(s.body, { ...nesting, conditional: nesting.conditional || !isUniform(s.condition) });
          break;
        case 'barrier':
          if (nesting.grid && !nesting.workgroup) fail('a barrier stands inside a grid loop');
          if (nesting.conditional) fail('a barrier stands under a condition, so some invocations may not reach it');
          break;
        default:
          s satisfies never;
      }
    }
    for (const s of body) if (s.kind === 'let' || s.kind === 'var') names.set(s.name, null);
  };
  walk(kernel.body, { grid: false, workgroup: false, conditional: false });
  for (const b of kernel.buffers) if (b.length <= 0) fail(`${b.name} is empty`);
}
