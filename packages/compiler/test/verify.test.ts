/**
 * The loop IR's verifier: a valid kernel passes, and each rule refuses exactly the kernels that
 * break it.
 */
import { describe, expect, test } from 'vitest';
import { apply, Builder, f32, i32, load, loadSplat, plus } from '../src/loops/build.ts';
import type { Expr, Kernel, KernelBuffer, Stmt } from '../src/loops/ir.ts';
import { unroll } from '../src/loops/unroll.ts';
import { verifyKernel } from '../src/loops/verify.ts';
import { bufferAt } from './kernel-in-wasm.ts';

const x = bufferAt('x', 'f32', 0, 8, 'read');
const y = bufferAt('y', 'f32', 32, 8, 'write');
const codes = bufferAt('codes', 'i8', 64, 16, 'read');
const words = bufferAt('words', 'i32', 64, 4, 'readwrite');

function kernel(body: readonly Stmt[], buffers: readonly KernelBuffer[] = [x, y, codes, words]): Kernel {
  return { name: 'k', scalars: ['position'], buffers, body };
}
function built(build: (b: Builder) => void): Kernel {
  const b = new Builder();
  build(b);
  return kernel(b.statements);
}
const get = (name: string, type: Expr['type'], index: Expr | null = null): Expr => ({ kind: 'get', name, type, index });
const store = (buffer: string, index: Expr, value: Expr): Stmt => ({ kind: 'store', buffer, index, value });
const register = (name: string, count: number | null): Stmt => ({
  kind: 'var',
  name,
  type: 'f32',
  count,
  init: f32(0),
});
const loop = (name: string, tag: 'serial' | 'unroll' | 'workgroup' | 'grid', body: readonly Stmt[]): Stmt => ({
  kind: 'for',
  name,
  from: i32(0),
  to: i32(4),
  step: 1,
  work: 1,
  tag,
  body,
});
const barrier: Stmt = { kind: 'barrier' };
const position = get('position', 'i32');

test('a sound kernel passes, before and after unrolling', () => {
  const sound = built((b) => {
    const acc = b.registers('acc', 2, f32(0));
    b.loop('serial', 'i', { to: position }, (_, i) => {
      const at = plus(i, 0);
      acc.set(apply('add', acc.get(0), load(x, at, 'f32')), 0);
    });
    b.loop('unroll', 'v', { to: 2 }, (inner, v) => inner.store(y, v, acc.get(v)));
    b.loop('workgroup', 'w', { to: 4 }, (inner, w) => {
      inner.store(words, w, i32(1));
      inner.barrier();
      inner.when(apply('less', w, i32(1)), (first) => first.store(words, 3, load(words, 0, 'i32')));
    });
    b.store(y, 4, loadSplat(x, 7, 'f32x4'));
  });
  expect(() => verifyKernel(sound)).not.toThrow();
  expect(() => verifyKernel(unroll(sound), true)).not.toThrow();
});

describe('names', () => {
  const cases: readonly [string, readonly Stmt[]][] = [
    ['a is used before it is defined', [store('y', i32(0), get('a', 'f32'))]],
    ['position is defined twice', [{ kind: 'let', name: 'position', value: i32(1) }]],
    [
      'a is defined twice',
      [
        { kind: 'let', name: 'a', value: i32(1) },
        { kind: 'let', name: 'a', value: i32(1) },
      ],
    ],
    ['i is defined twice', [loop('i', 'serial', []), loop('i', 'serial', [])]],
    // a name ends with the loop that defines it
    [
      'a is used before it is defined',
      [loop('i', 'serial', [register('a', null)]), store('y', i32(0), get('a', 'f32'))],
    ],
    ['a is set before it is defined', [{ kind: 'set', name: 'a', index: null, value: f32(1) }]],
    ['position is not a register', [{ kind: 'set', name: 'position', index: null, value: i32(1) }]],
    [
      'a is not a register',
      [
        { kind: 'let', name: 'a', value: f32(1) },
        { kind: 'set', name: 'a', index: null, value: f32(2) },
      ],
    ],
  ];
  test.each(cases)('%s', (message, body) => expect(() => verifyKernel(kernel(body))).toThrow(`kernel k: ${message}`));
});

describe('types', () => {
  const wrong: Expr = { kind: 'apply', fn: 'add', args: [f32(1), i32(1)], type: 'f32', lanes: [] };
  const extract = (lanes: readonly number[]): Expr => {
    const vector = apply('splat', f32(1));
    return { kind: 'apply', fn: 'extract', args: [vector], type: 'f32', lanes };
  };
  const cases: readonly [string, readonly Stmt[]][] = [
    ['i32 constant 0.5', [{ kind: 'let', name: 'a', value: i32(0.5) }]],
    ['position is i32, used as f32', [store('y', i32(0), get('position', 'f32'))]],
    ['add of (f32, i32) is not f32', [{ kind: 'let', name: 'a', value: wrong }]],
    ['extract lanes 4', [{ kind: 'let', name: 'a', value: extract([4]) }]],
    ['extract lanes ', [{ kind: 'let', name: 'a', value: extract([]) }]],
    ['add lanes 0', [{ kind: 'let', name: 'a', value: { ...apply('add', i32(1), i32(1)), lanes: [0] } as Expr }]],
    ['a starts with another type', [{ kind: 'var', name: 'a', type: 'f32', count: null, init: i32(0) }]],
    ['a is f32, set to i32', [register('a', null), { kind: 'set', name: 'a', index: null, value: i32(1) }]],
    ['bounds of i are not i32', [{ ...loop('i', 'serial', []), to: f32(1) } as Stmt]],
    ['step of i is 0', [{ ...loop('i', 'serial', []), step: 0 } as Stmt]],
    ['a condition is not bool', [{ kind: 'if', condition: i32(1), body: [] }]],
  ];
  test.each(cases)('%s', (message, body) => expect(() => verifyKernel(kernel(body))).toThrow(`kernel k: ${message}`));
});

describe('register arrays', () => {
  const set = (at: Expr | null): Stmt => ({ kind: 'set', name: 'a', index: at, value: f32(1) });
  const cases: readonly [string, readonly Stmt[]][] = [
    ['a is a register array and needs an index', [register('a', 2), set(null)]],
    ['a is one register', [register('a', null), set(i32(0))]],
    ['a[2] of 2', [register('a', 2), set(i32(2))]],
    ['a[-1] of 2', [register('a', 2), store('y', i32(0), get('a', 'f32', i32(-1)))]],
    ['index of a is not i32', [register('a', 2), set(f32(0))]],
  ];
  test.each(cases)('%s', (message, body) => expect(() => verifyKernel(kernel(body))).toThrow(`kernel k: ${message}`));
});

describe('buffers', () => {
  const z = bufferAt('z', 'f32', 0, 8);
  const cases: readonly [string, readonly Stmt[]][] = [
    ['no buffer z', [{ kind: 'let', name: 'a', value: load(z, 0, 'f32') }]],
    ['no buffer z', [store('z', i32(0), f32(1))]],
    ['y is read but declared write-only', [{ kind: 'let', name: 'a', value: load(y, 0, 'f32') }]],
    ['x is written but declared read-only', [store('x', i32(0), f32(1))]],
    ['x (f32) cannot be read as contiguous i32', [{ kind: 'let', name: 'a', value: load(x, 0, 'i32') }]],
    ['codes (i8) cannot be read as contiguous f32', [{ kind: 'let', name: 'a', value: load(codes, 0, 'f32') }]],
    ['codes (i8) cannot be read as splat i8x16', [{ kind: 'let', name: 'a', value: loadSplat(codes, 0, 'i8x16') }]],
    ['i32 cannot be stored to y', [store('y', i32(0), i32(1))]],
    ['index of x is not i32', [{ kind: 'let', name: 'a', value: load(x, f32(0), 'f32') }]],
    ['index of y is not i32', [store('y', f32(0), f32(1))]],
    ['x[8] is outside its 8 elements', [{ kind: 'let', name: 'a', value: load(x, 8, 'f32') }]],
    ['x[-1] is outside its 8 elements', [{ kind: 'let', name: 'a', value: load(x, -1, 'f32') }]],
    // four lanes from 5 on reach element 8
    ['x[5] is outside its 8 elements', [{ kind: 'let', name: 'a', value: load(x, 5, 'f32x4') }]],
    ['codes[9] is outside its 16 elements', [{ kind: 'let', name: 'a', value: load(codes, 9, 'i16x8') }]],
    ['y[8] is outside its 8 elements', [store('y', i32(8), f32(1))]],
    ['y[5] is outside its 8 elements', [store('y', i32(5), apply('splat', f32(1)))]],
  ];
  test.each(cases)('%s', (message, body) => expect(() => verifyKernel(kernel(body))).toThrow(`kernel k: ${message}`));

  test('two buffers have one name', () => {
    expect(() => verifyKernel(kernel([], [x, x]))).toThrow('two buffers have one name');
  });
  test('an empty buffer', () => {
    expect(() => verifyKernel(kernel([], [{ ...x, length: 0 }]))).toThrow('x is empty');
  });
});

describe('barriers', () => {
  test('stand between grid loops or inside a workgroup', () => {
    verifyKernel(kernel([loop('i', 'grid', []), barrier, loop('j', 'grid', [loop('k', 'workgroup', [barrier])])]));
    expect(() => verifyKernel(kernel([loop('i', 'grid', [barrier])]))).toThrow('a barrier stands inside a grid loop');
  });
  test('must not stand under a condition', () => {
    const lane: Expr = { kind: 'get', name: 'i', type: 'i32', index: null };
    const under = (which: Expr): Stmt => ({ kind: 'if', condition: apply('less', which, i32(1)), body: [barrier] });
    expect(() => verifyKernel(kernel([loop('i', 'workgroup', [under(lane)])]))).toThrow(
      'a barrier stands under a condition',
    );
    // except for one that is the same for a whole workgroup
    expect(() => verifyKernel(kernel([loop('i', 'workgroup', [under(position)])]))).not.toThrow();
  });
});

describe('unrolling', () => {
  test('needs constant bounds', () => {
    const varying = { ...loop('i', 'unroll', []), to: position } as Stmt;
    expect(() => verifyKernel(kernel([varying]))).toThrow('loop i is unrolled but its bounds vary');
  });
  test('leaves no decision to a printer', () => {
    expect(() => verifyKernel(kernel([loop('i', 'unroll', [])]), true)).toThrow('loop i is still to be unrolled');
    expect(() => verifyKernel(kernel([register('a', 2)]), true)).toThrow('a is still a register array');
  });
});

test('an operation that needs an engine feature is refused without it and allowed with it', () => {
  const b = new Builder();
  const bytes = loadSplat(words, 0, 'i8x16');
  b.let('dot', apply('dotBytes', bytes, bytes));
  const k: Kernel = { name: 'k', scalars: [], buffers: [words], body: b.statements };
  expect(() => verifyKernel(k)).toThrow('kernel k: dotBytes needs relaxed SIMD');
  expect(() => verifyKernel(k, false, new Set(['relaxed']))).not.toThrow();
});
