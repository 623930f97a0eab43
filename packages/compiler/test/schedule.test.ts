/**
 * Kernels over numbers that a real model rarely produces: an epsilon that matters, scores that
 * overflow exp, rounding ties, rows of zeros. One kernel at a time, interpreted and in WASM,
 * against its formula in f64.
 */
import { describe, expect, test } from 'vitest';
import { interpret } from '../src/loops/interpret.ts';
import type { Kernel } from '../src/loops/ir.ts';
import type { Plan } from '../src/plan/plan.ts';
import { type Buffer as ArenaBuffer, CONTEXT_CHUNK, type Kind } from '../src/program/ir.ts';
import type { Pack } from '../src/program/packs.ts';
import { attentionKernel } from '../src/schedule/cpu/attention.ts';
import { normaliseKernel } from '../src/schedule/cpu/normalise.ts';
import { quantiseToken } from '../src/schedule/cpu/quantise.ts';
import { CpuScope } from '../src/schedule/cpu/scope.ts';
import { runInWasm } from './kernel-in-wasm.ts';
import { kind, planOf } from './plans.ts';

const TILE = 4;
/** Every buffer gets 1 KiB. */
const AREA = 1024;
const WEIGHTS = 16 * AREA;
const STATE = 24 * AREA;

function planWith(buffers: readonly ArenaBuffer[], context = 16): Plan {
  const plan = planOf({ segments: [], program: { tile: TILE, buffers, context } });
  return { ...plan, bufferAddress: buffers.map((_, i) => i * AREA) };
}

const buffer = (name: string, width: number, element: 'f32' | 'codes' = 'f32'): ArenaBuffer => ({
  name,
  element,
  width,
  rows: TILE,
});

/** Runs a kernel both ways on this memory and returns it; both must leave the same bytes. */
async function run(kernel: Kernel, image: ArrayBuffer, scalars: { position?: number; count?: number } = {}) {
  const args = { position: 0, count: 1, row: 0, w0: WEIGHTS, state: STATE, ...scalars };
  const printed = await runInWasm(kernel, image, args);
  interpret(kernel, image, args);
  expect(Buffer.compare(Buffer.from(image), Buffer.from(printed))).toBe(0);
  return image;
}

function expectClose(values: ArrayLike<number>, wanted: readonly number[]): void {
  expect(values.length).toBe(wanted.length);
  const largest = Math.max(...wanted.map(Math.abs));
  for (const [i, w] of wanted.entries()) expect(Math.abs(values[i]! - w)).toBeLessThan(1e-6 * largest);
}

describe.each(['decode', 'prefill'] as const)('%s', (lowering) => {
  const count = lowering === 'decode' ? 1 : 3;

  test.each([
    [6, 0.5],
    [8, 1e-5],
    [3, 100],
  ])('rmsNorm over %i features with epsilon %d', async (width, eps) => {
    const gain: Pack = {
      param: 0,
      name: 'gain',
      role: 'gain',
      format: 'f32',
      layout: 'vector',
      rows: { kind: 'plain', rows: width },
      columns: 1,
      block: 16,
      group: 0,
      offset: 0,
      pitch: 64,
      stream: 64,
      bytes: 64,
    };
    const plan = planWith([buffer('x', 8), buffer('out', 8)]);
    const norm = { centred: false, gain: 0, bias: null, eps } as const;
    const op = { kind: 'normalise', name: 'norm', scratch: {}, x: 0, norm, heads: 1, width, out: 1 } as const;
    const image = new ArrayBuffer(32 * AREA);
    const x = new Float32Array(image, 0, TILE * 8);
    const gains = new Float32Array(image, WEIGHTS, 16);
    x.forEach((_, i) => {
      x[i] = Math.sin(i * 2.3) * 2;
    });
    gains.forEach((_, i) => {
      gains[i] = 0.5 + i / 10;
    });
    await run(normaliseKernel(new CpuScope(plan, kind('k', 'block', [gain]), lowering), op), image, { count });
    const out = new Float32Array(image, AREA, TILE * 8);
    for (let t = 0; t < count; t++) {
      const row = [...x.subarray(t * 8, t * 8 + width)];
      const mean = row.reduce((sum, v) => sum + v * v, 0) / width;
      expectClose(
        out.subarray(t * 8, t * 8 + width),
        row.map((v, i) => (v / Math.sqrt(mean + eps)) * gains[i]!),
      );
    }
    expect(out.subarray(count * 8).every((v) => v === 0)).toBe(true);
  });

  // scores of some hundreds, all positive: unless the maximum is subtracted, exp is clamped and all
  // weights are equal
  test.each([
    [0, 1],
    [0, 30],
    [9, 1],
    [9, 30],
    [12, 30],
  ])('attention at position %i, queries times %d', async (position, size) => {
    const context = 16;
    const [heads, kvHeads, headDim] = [4, 2, 8];
    const bytes = kvHeads * context * headDim * 4;
    const code: Kind = {
      ...kind('k', 'block'),
      state: [
        {
          name: 'keys0',
          format: 'f32',
          kvHeads,
          stride: headDim,
          window: null,
          holds: 'heads' as const,
          offset: 0,
          bytes,
        },
        {
          name: 'values0',
          format: 'f32',
          kvHeads,
          stride: headDim,
          window: null,
          holds: 'heads' as const,
          offset: bytes,
          bytes,
        },
      ],
    };
    const scores: ArenaBuffer = { name: 'scores', element: 'f32', width: 2 * CONTEXT_CHUNK, rows: 1 };
    const partials: ArenaBuffer = { name: 'partials', element: 'f32', width: 16 * (headDim + 4), rows: 1 };
    const plan = planWith([buffer('q', heads * headDim), scores, buffer('out', heads * headDim), partials], context);
    const scale = 0.4;
    const op = {
      kind: 'attention',
      name: 'attention',
      q: 0,
      k: 0,
      v: 1,
      heads,
      kvHeads,
      scale,
      window: null,
      softcap: null,
      keyStride: headDim,
      valueStride: headDim,
      scratch: { scores: 1, partials: 3 },
      codes: null,
      out: 2,
    } as const;
    const image = new ArrayBuffer(32 * AREA);
    const q = new Float32Array(image, 0, TILE * heads * headDim);
    const state = new Float32Array(image, STATE, (2 * bytes) / 4);
    q.forEach((_, i) => {
      q[i] = (Math.sin(i * 1.7 + position) + 1.5) * size;
    });
    state.forEach((_, i) => {
      state[i] = Math.cos(i * 0.9) + 2;
    });
    await run(attentionKernel(new CpuScope(plan, code, lowering), op), image, { position, count });
    const out = new Float32Array(image, 2 * AREA, TILE * heads * headDim);
    for (let t = 0; t < count; t++) {
      for (let h = 0; h < heads; h++) {
        // heads 0 and 1 read KV head 0, heads 2 and 3 KV head 1
        const group = h < 2 ? 0 : 1;
        const head = (part: 0 | 1, p: number) => {
          const from = (part * kvHeads + group) * context * headDim + p * headDim;
          return [...state.subarray(from, from + headDim)];
        };
        const query = [...q.subarray((t * heads + h) * headDim, (t * heads + h + 1) * headDim)];
        const all = Array.from({ length: position + t + 1 }, (_, p) => {
          const key = head(0, p);
          return scale * query.reduce((sum, x, i) => sum + x * key[i]!, 0);
        });
        const largest = Math.max(...all);
        const weights = all.map((s) => Math.exp(s - largest));
        const total = weights.reduce((a, b) => a + b, 0);
        const wanted = query.map((_, i) => weights.reduce((sum, w, p) => sum + (w / total) * head(1, p)[i]!, 0));
        const found = out.subarray((t * heads + h) * headDim, (t * heads + h + 1) * headDim);
        for (const [i, w] of wanted.entries()) expect(Math.abs(found[i]! - w)).toBeLessThan(2e-4);
      }
    }
  });

  test('codes: half to even, the largest is 127, the last features count, zeros stay zeros', async () => {
    const plan = planWith([buffer('x', 8), buffer('codes', 8, 'codes'), buffer('scales', 1)]);
    const scope = new CpuScope(plan, kind('k', 'block'), lowering);
    scope.eachToken(scope.b, 1, (b, token) =>
      quantiseToken(scope, b, { x: 0, depth: 6, codes: 1, scales: 2, sums: null }, null, token, token),
    );
    const rows = [
      // the last two are after the last whole vector; the largest is one of them
      { x: [0.5, 1.5, -2.5, 126.5, 3.49, -127], codes: [0, 2, -2, 126, 3, -127], scale: 1 },
      { x: [0, -0, 0, 0, 0, 0], codes: [0, 0, 0, 0, 0, 0], scale: 0 },
      { x: [-2, 1, 0.25, 0, 2, -1], codes: [-127, 64, 16, 0, 127, -64], scale: 2 / 127 },
    ];
    // row 2 of a decode would be row 0: run it for each
    // a decode has one row: each case in turn
    for (const [t, row] of rows.entries()) {
      const image = new ArrayBuffer(32 * AREA);
      const x = new Float32Array(image, 0, TILE * 8);
      const target = lowering === 'decode' ? 0 : t;
      // the padding of the row must not count
      x.fill(1000, 6, 8);
      if (lowering === 'decode') x.set(row.x);
      else for (const [i, r] of rows.entries()) x.set(r.x, i * 8);
      await run(scope.kernel('quantise'), image, { count });
      expect([...new Int8Array(image, AREA + target * 8, 8)]).toEqual([...row.codes, 0, 0]);
      expect(new Float32Array(image, 2 * AREA)[target]).toBeCloseTo(row.scale, 6);
    }
  });
});
