/**
 * The interpreter: barriers, workgroups, grid order, bounds. Without a GPU, it is the only machine
 * that can test GPU kernels.
 */
import { describe, expect, test } from 'vitest';
import { add, apply, argument, Builder, f32, i32, load, plus, quotient, times } from '../src/loops/build.ts';
import { interpret, interpretThreads } from '../src/loops/interpret.ts';
import type { Kernel, KernelBuffer } from '../src/loops/ir.ts';
import { verifyKernel } from '../src/loops/verify.ts';
import { partition } from '../src/targets/wasm/partition.ts';
import { bufferAt } from './kernel-in-wasm.ts';

const input = bufferAt('input', 'f32', 0, 8, 'read');
const shared = bufferAt('shared', 'f32', 32, 8);
const out = bufferAt('out', 'f32', 64, 8, 'write');

function kernel(build: (b: Builder) => void, buffers: readonly KernelBuffer[] = [input, shared, out]): Kernel {
  const b = new Builder();
  build(b);
  return { name: 'k', scalars: [], buffers, body: b.statements };
}

/** Memory with 1 ... 8 as input and arbitrary numbers in `shared`. */
function image(): Float32Array {
  const memory = new Float32Array(24).fill(1000);
  memory.set([1, 2, 3, 4, 5, 6, 7, 8]);
  return memory;
}
const outOf = (memory: Float32Array) => memory[16];

/**
 * The sum of eight numbers by eight invocations, halving; `barriers[i]` says whether barrier i
 * exists.
 */
function sum(barriers: readonly boolean[]): Kernel {
  return kernel((b) => {
    b.loop('workgroup', 'w', { to: 8 }, (each, w) => {
      each.store(shared, w, load(input, w, 'f32'));
      if (barriers[0]) each.barrier();
      [4, 2, 1].forEach((distance, i) => {
        each.when(apply('less', w, i32(distance)), (some) =>
          some.store(shared, w, add(load(shared, w, 'f32'), load(shared, plus(w, distance), 'f32'))),
        );
        if (barriers[i + 1]) each.barrier();
      });
      each.when(apply('less', w, i32(1)), (first) => first.store(out, 0, load(shared, 0, 'f32')));
    });
  });
}

describe('barriers', () => {
  const all = [true, true, true, true];

  test('make the sum of a workgroup correct', () => {
    const memory = image();
    verifyKernel(sum(all));
    interpret(sum(all), memory.buffer, {});
    expect(outOf(memory)).toBe(36);
  });

  // the last barrier only guards what invocation 0 wrote itself
  test.each([0, 1, 2])('without barrier %i it is wrong', (missing) => {
    const memory = image();
    interpret(sum(all.map((there, i) => there && i !== missing)), memory.buffer, {});
    expect(outOf(memory)).not.toBe(36);
  });

  test('a barrier that some invocation does not reach is an error', () => {
    const k = kernel((b) =>
      b.loop('workgroup', 'w', { to: 4 }, (each, w) => each.when(apply('less', w, i32(2)), (some) => some.barrier())),
    );
    expect(() => verifyKernel(k)).toThrow('under a condition');
    expect(() => interpret(k, image().buffer, {})).toThrow('a barrier that not every invocation reaches');
  });

  test('threads wait for each other, and a single thread never waits', () => {
    // each thread writes its share, then reads the whole
    const k = kernel((b) => {
      b.loop('grid', 'i', { to: 4 }, (inner, i) => inner.store(shared, i, load(input, i, 'f32')));
      b.barrier();
      b.loop('grid', 'i', { to: 4 }, (inner, i) => inner.store(out, i, load(shared, plus(times(i, -1), 3), 'f32')));
    });
    const divided = partition(k, new Set(['threads']));
    const alone = image();
    interpret(k, alone.buffer, {});
    expect([...alone.subarray(16, 20)]).toEqual([4, 3, 2, 1]);
    for (const [threads, order] of [
      [1, 'forward'],
      [2, 'forward'],
      [3, 'reverse'],
      [7, 'forward'],
    ] as const) {
      const together = image();
      interpretThreads(divided, together.buffer, {}, threads, order);
      expect([...together.subarray(16, 20)]).toEqual([4, 3, 2, 1]);
    }
    const careless = partition({ ...k, body: k.body.filter((s) => s.kind !== 'barrier') }, new Set(['threads']));
    const early = image();
    interpretThreads(careless, early.buffer, {}, 2, 'reverse');
    expect([...early.subarray(16, 20)]).not.toEqual([4, 3, 2, 1]);
  });

  test('threads divide a loop that ends within a step', () => {
    const k = kernel((b) =>
      b.loop('grid', 'i', { from: 1, to: 6, step: 3 }, (inner, i) => inner.store(out, i, f32(9))),
    );
    const divided = partition(k, new Set(['threads']));
    for (const threads of [1, 2, 3]) {
      const memory = image();
      interpretThreads(divided, memory.buffer, {}, threads);
      expect([...memory.subarray(16, 24)]).toEqual([1000, 9, 1000, 1000, 9, 1000, 1000, 1000]);
    }
  });

  test('adjacent loops are divided as one range, of which each thread has one piece', () => {
    // four iterations, each with twice the work of each of the other two
    const by = bufferAt('by', 'i32', 64, 8, 'write');
    const k = kernel(
      (b) => {
        b.loop('grid', 'i', { to: 7, step: 2, work: 2 }, (inner, i) =>
          inner.store(by, quotient(i, 2), argument('thread')),
        );
        b.loop('grid', 'j', { to: 2 }, (inner, j) => inner.store(by, plus(j, 4), argument('thread')));
      },
      [by],
    );
    const divided = partition(k, new Set(['threads']));
    const found = [1, 2, 3, 10].map((threads) => {
      const memory = image();
      interpretThreads(divided, memory.buffer, {}, threads);
      return [...new Int32Array(memory.buffer, 64, 6)];
    });
    expect(found).toEqual([
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 1, 1, 1],
      [0, 0, 1, 2, 2, 2],
      [0, 2, 4, 6, 8, 9],
    ]);
  });

  test('lanes inside a workgroup wait for the lanes of the others', () => {
    const k = kernel((b) =>
      b.loop('workgroup', 'w', { to: 4 }, (each, w) =>
        each.loop('lane', 'l', { to: 2 }, (lane, l) => {
          const at = plus(times(w, 2), l);
          lane.store(shared, at, load(input, at, 'f32'));
          lane.barrier();
          // the reverse: written by another workgroup row
          lane.store(out, at, load(shared, apply('sub', i32(7), at), 'f32'));
        }),
      ),
    );
    const memory = image();
    interpret(k, memory.buffer, {});
    expect([...memory.slice(16)]).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('each grid iteration is a separate workgroup', () => {
    const k = kernel((b) =>
      b.loop('grid', 'g', { to: 2 }, (group, g) =>
        group.loop('workgroup', 'w', { to: 4 }, (each, w) => {
          const from = times(g, 4);
          each.store(shared, plus(from, w), load(input, plus(from, w), 'f32'));
          each.barrier();
          each.store(out, plus(from, w), load(shared, plus(from, apply('sub', i32(3), w)), 'f32'));
        }),
      ),
    );
    for (const order of ['forward', 'reverse'] as const) {
      const memory = image();
      interpret(k, memory.buffer, {}, order);
      expect([...memory.slice(16)]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    }
  });
});

describe('grid order', () => {
  test('shows a kernel whose result depends on it', () => {
    const k = kernel((b) => b.loop('grid', 'g', { to: 8 }, (each, g) => each.store(out, 0, load(input, g, 'f32'))));
    const [forward, reverse] = [image(), image()];
    interpret(k, forward.buffer, {}, 'forward');
    interpret(k, reverse.buffer, {}, 'reverse');
    expect([outOf(forward), outOf(reverse)]).toEqual([8, 1]);
  });

  test('does not change serial loops', () => {
    const k = kernel((b) => b.loop('serial', 'i', { to: 8 }, (each, i) => each.store(out, 0, load(input, i, 'f32'))));
    const memory = image();
    interpret(k, memory.buffer, {}, 'reverse');
    expect(outOf(memory)).toBe(8);
  });
});

describe('faults', () => {
  const read = (at: number, type: 'f32' | 'f32x4') =>
    kernel((b) => {
      const i = b.let('i', i32(at));
      b.let('value', load(input, i, type));
    });

  test.each([
    [8, 'f32'],
    [-1, 'f32'],
    [5, 'f32x4'],
  ] as const)('reading element %i as %s is outside', (at, type) => {
    expect(() => interpret(read(at, type), image().buffer, {})).toThrow(/kernel k: input\[.*of 8/);
  });
  test('the last element and the last vector are inside', () => {
    expect(() => interpret(read(7, 'f32'), image().buffer, {})).not.toThrow();
    expect(() => interpret(read(4, 'f32x4'), image().buffer, {})).not.toThrow();
  });
  test('writing past the end', () => {
    const k = kernel((b) => b.store(out, b.let('i', i32(8)), f32(1)));
    expect(() => interpret(k, image().buffer, {})).toThrow(/kernel k: out\[8\.\.8\] of 8/);
  });
  test('a missing argument', () => {
    const k: Kernel = { ...kernel(() => {}), scalars: ['position'] };
    expect(() => interpret(k, image().buffer, {})).toThrow('kernel k needs the argument position');
  });
});

test('addresses come from memory, the weight group and the state slot', () => {
  const at = (name: string, address: KernelBuffer['address'], access: 'read' | 'write'): KernelBuffer => ({
    name,
    element: 'f32',
    address,
    length: 1,
    access,
    note: '',
  });
  const weight = at('weight', { kind: 'weights', group: 1, offset: 4 }, 'read');
  const state = at('state', { kind: 'state', offset: 8 }, 'write');
  const k = kernel((b) => b.store(state, 0, load(weight, 0, 'f32')), [weight, state]);
  const memory = image();
  interpret(k, memory.buffer, { w1: 12, state: 40 });
  expect(memory[12]).toBe(5);
});
