/**
 * Unrolling changes the form of a kernel, not its result: interpreted before and after, and
 * printed, it leaves the same bytes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formats } from '../src/formats/table.ts';
import { add, apply, Builder, f32, load, mul, plus, quotient, remainder, times } from '../src/loops/build.ts';
import { interpret } from '../src/loops/interpret.ts';
import { type Kernel, type KernelBuffer, walkStatements } from '../src/loops/ir.ts';
import { unroll } from '../src/loops/unroll.ts';
import { verifyKernel } from '../src/loops/verify.ts';
import { bufferAt, runInWasm } from './kernel-in-wasm.ts';

const input = bufferAt('input', 'f32', 0, 256, 'read');
const out = bufferAt('out', 'f32', 1024, 256, 'write');

function kernel(build: (b: Builder) => void, buffers: readonly KernelBuffer[] = [input, out]): Kernel {
  const b = new Builder();
  build(b);
  return { name: 'k', scalars: [], buffers, body: b.statements };
}

/** Some memory; every word a finite float, every byte a code. */
function image(): ArrayBuffer {
  const bytes = Uint8Array.from({ length: 2048 }, (_, i) => (i * 97 + (i >> 3) * 31) & 255);
  for (let i = 3; i < bytes.length; i += 4) bytes[i] = 0x3f ^ (bytes[i]! & 0x80);
  return bytes.buffer;
}

async function sameBytes(k: Kernel): Promise<void> {
  verifyKernel(k);
  const expanded = unroll(k);
  verifyKernel(expanded, true);
  walkStatements(expanded.body, (s) => expect(s.kind === 'for' && s.tag === 'unroll').toBe(false));
  const [before, after] = [image(), image()];
  interpret(k, before, {});
  interpret(expanded, after, {});
  expect(Buffer.compare(Buffer.from(before), Buffer.from(after))).toBe(0);
  expect(Buffer.compare(Buffer.from(before), Buffer.from(await runInWasm(k, image())))).toBe(0);
  expect(Buffer.compare(Buffer.from(before), Buffer.from(image()))).not.toBe(0);
}

test('nested loops, register arrays, and names that are used again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.nat(5), async (n, m, from) => {
      const k = kernel((b) => {
        const acc = b.registers('acc', n * m, f32(1));
        const last = b.variable('last', f32(0));
        b.loop('serial', 'i', { from, to: from + 7, step: 2 }, (perI, i) => {
          const scratch = perI.registers('scratch', n, f32(0));
          perI.loop('unroll', 'u', { to: n }, (perU, u) => {
            const value = perU.let('value', load(input, plus(times(i, n), u), 'f32'));
            scratch.set(value, u);
            perU.loop('unroll', 'v', { to: m }, (inner, v) => {
              const twice = inner.let('value', add(value, scratch.get(u)));
              const at = plus(times(u, m), v);
              acc.set(add(acc.get(at), mul(twice, load(input, plus(v, 3), 'f32'))), at);
            });
          });
          last.set(scratch.get(n - 1));
        });
        b.loop('unroll', 'w', { from: 1, to: n * m, step: 2 }, (inner, w) => {
          inner.when(apply('less', w, plus(remainder(w, 3), quotient(w, 2))), (some) => some.store(out, w, f32(7)));
          inner.store(out, plus(100, w), acc.get(w));
        });
        b.store(out, 200, last.get());
        b.store(out, 201, acc.get(0));
      });
      await sameBytes(k);
    }),
    { numRuns: 12 },
  );
});

test.each([
  ['f32', 1],
  ['f32', 2],
  ['q8', 1],
] as const)('the dot products of %s, %i tokens', async (name, tokens) => {
  const format = formats[name];
  const depth = name === 'f32' ? 3 : 8;
  const pitch = format.storedBytes({ block: 8, depth });
  const shape = { block: 8, depth, pitch, stream: 2 * pitch };
  const views = format.views('w', { kind: 'memory', offset: 0 }, 16, shape);
  const x = format.integer ? bufferAt('x', 'i32', 512, 8, 'read') : bufferAt('x', 'f32', 512, 8, 'read');
  const scales = bufferAt('scales', 'f32', 640, 2, 'read');
  const k = kernel(
    (b) =>
      b.loop('grid', 'block', { to: 2 }, (inner, block) => {
        const activations = {
          values: x,
          stride: format.integer ? 8 : 4,
          scales: format.integer ? scales : null,
          sums: null,
          groups: 1,
        };
        const dots = format.dot(inner, views, shape, activations, block, 0, tokens, new Set());
        for (let t = 0; t < tokens; t++)
          for (let v = 0; v < 2; v++) inner.store(out, plus(times(block, 16), 8 * t + 4 * v), dots(t, v));
      }),
    [...views, x, ...(format.integer ? [scales] : []), out],
  );
  await sameBytes(k);
});
