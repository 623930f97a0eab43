/**
 * The intrinsic table: for every operation and every combination of types, its meaning equals
 * WASM's result, bit for bit, over ordinary and extreme operands. An operation added to the table
 * is tested without a new line here.
 */
import type { InstructionSet } from '@lamella/runtime/choices';
import { instructionSets } from '@lamella/runtime/kernels';
import { describe, expect, test } from 'vitest';
import { apply, applyLanes, Builder, constant, i32, load, loadSplat, plus, times } from '../src/loops/build.ts';
import { interpret } from '../src/loops/interpret.ts';
import { type IntrinsicName, intrinsics, roundHalfEven } from '../src/loops/intrinsics.ts';
import type { Expr, Kernel, KernelBuffer } from '../src/loops/ir.ts';
import type { Type } from '../src/loops/types.ts';
import { bufferAt, runInWasm } from './kernel-in-wasm.ts';

const types: readonly Type[] = ['i32', 'f32', 'bool', 'f32x4', 'i32x4', 'i16x8', 'i8x16'];

/** All calls of `fn`: argument types and, for operations with lane numbers, some lanes. */
function calls(fn: IntrinsicName): { args: readonly Type[]; lanes: readonly number[] }[] {
  const lanes: readonly (readonly number[])[] =
    fn === 'extract'
      ? [[0], [1], [2], [3]]
      : fn === 'shuffle'
        ? [
            [0, 2, 4, 6],
            [7, 5, 3, 1],
            [0, 0, 6, 3],
          ]
        : [[]];
  const some: (readonly Type[])[] = [
    [],
    ...types.map((a) => [a]),
    ...types.flatMap((a) => types.map((b) => [a, b])),
    ...types.flatMap((a) => types.flatMap((b) => types.map((c) => [a, b, c]))),
    ...types.map((a) => [a, a, a, a]),
  ];
  return some
    .filter((args) => intrinsics[fn].type(args) !== null)
    .flatMap((args) => lanes.map((picked) => ({ args, lanes: picked })));
}

const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.5,
  0.49999997,
  -0.49999997,
  4194304.5,
  -4194303.5,
  8388609,
  127,
  -128,
  126.5,
  127.5,
  -127.5,
  1e-45,
  -1e-45,
  1.1754944e-38,
  3.4028235e38,
  -3.4028235e38,
  2147483648,
  -2147483648,
  2147483520,
  -2147483904,
  1e10,
  Infinity,
  -Infinity,
  0.1,
  1 / 3,
  88.7,
  -87.3,
  16777217,
].map(Math.fround);
const ints = [
  0, 1, -1, 2, -2, 3, 4, 7, 31, 32, 33, 127, 128, -128, -129, 255, 256, 32767, -32768, 32768, 65535, 65537, 16777217,
  -16777219, 0x7f800000, 0x3f800000, 0x7fffffff, -0x80000000, 0x00800000, 0x12345678, -0x12345678,
];

/** Cases of one call. Each reads four words per operand, so that every type has its lanes. */
const CASES = 1500;
const WORDS = CASES * 4;
const AREA = WORDS * 4;

/**
 * An operand area: words that are interesting as floats (area 2k) or as integers (area 2k + 1);
 * reproducible.
 */
function fill(image: ArrayBuffer, nonZero: boolean): void {
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 8;
  };
  for (let operand = 0; operand < 4; operand++) {
    const f = new Float32Array(image, 2 * operand * AREA, WORDS);
    const n = new Int32Array(image, (2 * operand + 1) * AREA, WORDS);
    for (let i = 0; i < WORDS; i++) {
      // the first cases pair every value with every other in the first lane
      f[i] = next() % 3 > 0 ? floats[next() % floats.length]! : (next() / 2 ** 24 - 0.5) * 10 ** ((next() % 12) - 4);
      n[i] = next() % 3 > 0 ? ints[next() % ints.length]! : Math.imul(next(), 0x9e3779b1);
      if (i < floats.length ** 2) f[i] = floats[operand === 0 ? i % floats.length : Math.floor(i / floats.length)]!;
      if (i < ints.length ** 2) n[i] = ints[operand === 0 ? i % ints.length : Math.floor(i / ints.length)]!;
      if (nonZero && n[i] === 0) n[i] = 5;
    }
  }
}

function callKernel(fn: IntrinsicName, args: readonly Type[], lanes: readonly number[]): Kernel {
  const b = new Builder();
  const buffers: KernelBuffer[] = [0, 1, 2, 3].flatMap((k) => [
    bufferAt(`f${k}`, 'f32', 2 * k * AREA, WORDS, 'read'),
    bufferAt(`n${k}`, 'i32', (2 * k + 1) * AREA, WORDS, 'read'),
    bufferAt(`b${k}`, 'i8', (2 * k + 1) * AREA, WORDS * 4, 'read'),
  ]);
  const outF = bufferAt('outF', 'f32', 8 * AREA, WORDS, 'write');
  const outN = bufferAt('outN', 'i32', 9 * AREA, WORDS, 'write');
  // bytes 1 0 1 0 ... and 0 1 0 1 ...: select the even and the odd 16-bit lanes
  const picks = [0, 1].map((odd) => bufferAt(`pick${odd}`, 'i8', 10 * AREA + 8 * odd, 8, 'read'));
  buffers.push(outF, outN, ...picks);

  const operand = (type: Type, k: number, i: Expr): Expr => {
    const [f, n, bytes] = buffers.slice(3 * k, 3 * k + 3) as [KernelBuffer, KernelBuffer, KernelBuffer];
    const splat = (lane: number) => apply('splat', load(n, plus(times(i, 4), lane), 'i32'));
    switch (type) {
      case 'f32':
        return load(f, i, 'f32');
      case 'i32':
        return load(n, i, 'i32');
      case 'bool':
        return apply('less', load(n, i, 'i32'), i32(3));
      case 'f32x4':
        return load(f, times(i, 4), 'f32x4');
      case 'i32x4': {
        const pair = (lane: number) => applyLanes('shuffle', [0, 4, 0, 4], splat(lane), splat(lane + 1));
        return applyLanes('shuffle', [0, 1, 4, 5], pair(0), pair(2));
      }
      case 'i16x8':
        return load(bytes, times(i, 8), 'i16x8');
      case 'i8x16':
        return loadSplat(n, i, 'i8x16');
      default:
        return type satisfies never;
    }
  };
  const keep = (inner: Builder, value: Expr, i: Expr): void => {
    const at = times(i, 4);
    const kept = value.type;
    switch (kept) {
      case 'f32':
      case 'f32x4':
        inner.store(outF, at, value);
        break;
      case 'i32':
        inner.store(outN, at, value);
        break;
      case 'bool':
        inner.store(outN, at, apply('select', value, i32(1), i32(0)));
        break;
      case 'i32x4':
        for (let l = 0; l < 4; l++) inner.store(outN, plus(at, l), applyLanes('extract', [l], value));
        break;
      case 'i16x8':
        for (const [odd, pick] of picks.entries()) {
          const picked = apply('dotPairs', value, load(pick, 0, 'i16x8'));
          const sum = [0, 1, 2, 3].map((l) => apply('shl', applyLanes('extract', [l], picked), i32(8 * l)));
          inner.store(
            outN,
            plus(at, odd),
            sum.reduce((x, y) => apply('add', x, y)),
          );
        }
        break;
      case 'i8x16':
        inner.store(outN, at, value);
        break;
      default: {
        kept satisfies never;
      }
    }
  };
  b.loop('serial', 'i', { to: CASES }, (inner, i) => {
    // a relaxed dot is defined if its second operand has at most seven bits, nibbles for one mask,
    // powers for whole numbers
    const mask = apply('splat8', i32(15));
    const defined = (value: Expr, k: number): Expr => {
      if (fn === 'dotBytes' && k === 1) return apply('nibblesLow', value, mask);
      // as unsigned bytes only on engines with AVX-VNNI
      if (fn === 'dotAdd' && k === 1 && !has('vnni')) return apply('nibblesLow', value, mask);
      // as signed bytes only on Arm, where one of both is above -128
      if (fn === 'dotAddSigned' && k === 0) return apply('shrBytes', value, i32(1));
      if (fn === 'dotAddSigned' && k === 1 && !has('sdot')) return apply('nibblesLow', value, mask);
      if (fn.startsWith('halfBits') && k === 1) return apply('splat16', i32(8192));
      if (fn.startsWith('halfBits') && k === 2) return apply('splat', i32(0x8fffe000 | 0));
      if (fn === 'raiseBytes' && k === 1) return apply('splat8', i32(-128));
      if ((fn === 'nibblesLow' || fn === 'nibblesHigh') && k === 1) return mask;
      if (fn === 'maxMagnitude') return apply('abs', value);
      if (fn === 'nearestInt') return within(value, 2 ** 22 - 1);
      return fn === 'powerOfTwo' ? apply('nearest', within(value, 126)) : value;
    };
    const operands = args.map((type, k) => inner.let(`operand${k}`, defined(operand(type, k, i), k)));
    keep(inner, inner.let('result', applyLanes(fn, lanes, ...operands)), i);
  });
  return { name: fn, scalars: [], buffers, body: b.statements };
}

const has = (set: InstructionSet): boolean => instructionSets().includes(set);

/** The number, clamped to [-largest, largest]. */
function within(x: Expr, largest: number): Expr {
  const bound = (value: number) => constant(x.type === 'f32' ? 'f32' : 'f32x4', value);
  return apply('min', apply('max', x, bound(-largest)), bound(largest));
}

/** Operations that only GPUs have are compared with the oracle on GPUs (`test/gpu`). */
const names = (Object.keys(intrinsics) as IntrinsicName[]).filter((name) => intrinsics[name].wat);

describe.each(names)('%s', (fn) => {
  const known = calls(fn);
  test('takes some types', () => expect(known.length).toBeGreaterThan(0));

  test.each(known)('means what WASM computes: $args $lanes', async ({ args, lanes }) => {
    const image = new ArrayBuffer(11 * AREA);
    // WASM traps on a division by zero, but indices are never divided by zero
    fill(image, fn === 'quotient' || fn === 'remainder');
    new Int8Array(image, 10 * AREA, 16).set([1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1]);
    const kernel = callKernel(fn, args, lanes);
    const printed = await runInWasm(kernel, image);
    interpret(kernel, image, {});
    // the table defines where a NaN results, not its bits
    const floatsOf = (memory: ArrayBuffer) => new Float32Array(memory, 8 * AREA, WORDS);
    const differ = [...floatsOf(image)].findIndex((x, i) => !Object.is(x, floatsOf(printed)[i]));
    expect(differ).toBe(-1);
    const intsOf = (memory: ArrayBuffer) => Buffer.from(memory, 9 * AREA, AREA);
    expect(Buffer.compare(intsOf(image), intsOf(printed))).toBe(0);
    const written = [...floatsOf(image)].some((x) => x !== 0) || intsOf(image).some((x) => x !== 0);
    expect(written).toBe(true);
  });
});

test.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [-0.5, -0],
  [-1.5, -2],
  [-2.5, -2],
  [126.5, 126],
  [0.49999997, 0],
  [-3.2, -3],
])('roundHalfEven(%d) is %d', (x, rounded) => expect(roundHalfEven(x)).toBe(rounded));

test('a call with wrong types is refused at its place', () => {
  expect(() => apply('add', i32(1), { kind: 'const', type: 'f32', value: 1 })).toThrow('add does not take (i32, f32)');
});
