/**
 * Keys and values as codes, and attention over chunks of positions, against the oracle. One operation at a time: each attention gets the
 * numbers the compiled model itself produced; codes are the oracle's but where a rounding tie decides, and the result is recomputed in f64
 * from the codes in the state. Then the whole model, cached and uncached, prefilled and decoded, across the borders of chunks.
 */
import type { FusedOp, KvName } from '@lamella/compiler/program/ir';
import type { Graph } from '@lamella/graph/ir';
import { attendQ8 } from '@lamella/graph/oracle/kvQ8';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { quantiseActivation } from '@lamella/graph/oracle/q8';
import { sequence } from '@lamella/graph/oracle/sequence';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { model, orders, type Shape } from './models.ts';
import { type Rig, relativeError, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

type Attention = Extract<FusedOp, { op: 'attention' }>;
type Encode = Extract<FusedOp, { op: 'encode' }>;

/** How far a code may be from the oracle's: one, and only where x / scale lies this close to a tie. */
const NEAR_TIE = 1e-4;

const shapes = fc
  .record({
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 5 }),
    headDim: fc.constantFrom(4, 6, 12, 20, 64),
    rope: fc.boolean(),
    context: fc.integer({ min: 66, max: 200 }),
  })
  .map(
    ({ kvHeads, group, ...rest }): Partial<Shape> => ({
      ...rest,
      kvHeads,
      heads: kvHeads * group,
      d: 24,
      ff: 8,
      vocab: 31,
    }),
  );

test('codes and results of every attention, over random shapes', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.double({ min: 0, max: 1, noNaN: true }), async (shape, where) => {
      const graph = model(shape);
      const compiled = await rig(graph, weightsOf(graph), 'f32', 'simd', 1, 'q8');
      // one step of one token, close to a border of chunks or anywhere
      const last = where < 0.5 ? 62 + Math.floor(where * 8) : Math.floor(where * (graph.tokens.size - 1));
      for (let p = 0; p < last; p += 64)
        compiled.prefill(Array.from({ length: Math.min(64, last - p) }, (_, i) => ((p + i) * 7 + 3) % graph.vocab));
      expect(stepThrough(compiled, 5)).toBe(graph.stacks[0]!.executions.length);
    }),
    { numRuns: 25 },
  );
});

/** Decodes one token kernel by kernel and checks every attention on the way. Returns how many. */
function stepThrough(compiled: Rig, token: number): number {
  const { plan, kernels } = compiled.lowered;
  new Uint32Array(compiled.memory.buffer, plan.memory.tokens.offset, 1)[0] = token;
  let checked = 0;
  plan.table.forEach(({ kind: index }, row) => {
    const { kind, decode } = kernels[index]!;
    let encode: Encode | null = null;
    kind.ops.forEach((op, i) => {
      compiled.kernel(decode[i]!, row);
      if (op.op === 'encode') {
        encode = op;
        checkCodes(compiled, row, op);
      }
      if (op.op !== 'attention') return;
      checked++;
      checkAttention(compiled, row, op, encode!);
    });
  });
  return checked;
}

/** A head's codes and scale as they lie in the state. */
function stored(compiled: Rig, row: number, part: number, head: number, position: number) {
  const { plan } = compiled.lowered;
  const { state, kind } = plan.table[row]!;
  const { offset, stride, kvHeads } = plan.program.kinds[kind]!.state[part]!;
  const positions = 8 * Math.ceil(plan.program.context / 8);
  const at = head * positions + position;
  const scales = state + offset + kvHeads * positions * stride;
  return {
    codes: new Int8Array(compiled.memory.buffer, state + offset + at * stride, stride),
    scale: new Float32Array(compiled.memory.buffer, scales + at * 4, 1)[0]!,
  };
}

const bufferName = ({ lowered }: Rig, id: number): string => lowered.plan.program.buffers[id]!.name;

function checkCodes(compiled: Rig, row: number, op: Encode): void {
  for (const { from, heads, stride, to } of op.parts) {
    for (let head = 0; head < heads; head++) {
      const x = Float64Array.from(
        compiled.buffer(bufferName(compiled, from)).slice(head * stride, (head + 1) * stride),
      );
      const wanted = quantiseActivation(x);
      const got =
        to.to === 'state'
          ? stored(compiled, row, to.part, head, compiled.position)
          : encoded(compiled, to, head, heads);
      expect(Math.abs(got.scale - wanted.scale)).toBeLessThanOrEqual(1e-6 * wanted.scale);
      got.codes.forEach((code, i) => {
        const off = Math.abs(code - (wanted.codes[i] ?? 0));
        const tie = Math.abs(Math.abs((wanted.exact[i] ?? 0) % 1) - 0.5);
        expect(off === 0 || (off === 1 && tie < NEAR_TIE)).toBe(true);
      });
    }
  }
}

function encoded(compiled: Rig, to: { codes: number; scales: number }, head: number, heads: number) {
  const width = compiled.lowered.plan.program.buffers[to.codes]!.width / heads;
  return {
    codes: compiled.codes(bufferName(compiled, to.codes)).slice(head * width, (head + 1) * width),
    scale: compiled.buffer(bufferName(compiled, to.scales))[head]!,
  };
}

/** Compares with the oracle's attention over numbers whose codes are those in memory. */
function checkAttention(compiled: Rig, row: number, op: Attention, encode: Encode): void {
  const { heads, kvHeads, keyStride, valueStride } = op;
  // the oracle has one width for keys and values: the larger, padded with zeros
  const headDim = Math.max(keyStride, valueStride);
  const wide = (parts: readonly { codes: Int8Array; scale: number }[], stride: number): Float64Array => {
    const all = new Float64Array(parts.length * headDim);
    parts.forEach(({ codes, scale }, head) => {
      all.set(
        Float64Array.from(codes.subarray(0, stride), (code) => code * scale),
        head * headDim,
      );
    });
    return all;
  };
  const queries = encode.parts[0]!.to;
  if (queries.to !== 'buffer') throw new Error('queries are not state');
  const each = (n: number) => Array.from({ length: n }, (_, i) => i);
  const history = (part: number, stride: number) =>
    each(compiled.position + 1).map((p) =>
      wide(
        each(kvHeads).map((h) => stored(compiled, row, part, h, p)),
        stride,
      ),
    );
  const q = wide(
    each(heads).map((h) => encoded(compiled, queries, h, heads)),
    keyStride,
  );
  const wanted = attendQ8(
    q,
    { keys: history(op.k, keyStride), values: history(op.v, valueStride) },
    compiled.position,
    {
      op: 'attention',
      q: 0,
      k: 0,
      v: 0,
      state: 0,
      heads,
      kvHeads,
      headDim,
      scale: op.scale,
    },
  );
  const out = compiled.buffer(bufferName(compiled, op.out));
  for (const h of each(heads)) {
    const got = out.slice(h * valueStride, (h + 1) * valueStride);
    // a weight that rounds the other way moves its head by one part in 32767
    expect(relativeError(got, wanted.subarray(h * headDim, h * headDim + valueStride))).toBeLessThan(1e-4);
  }
}

describe.each<[KvName, string, Partial<Shape>]>([
  ['q8', 'groups of 3, headDim 64', { heads: 3, kvHeads: 1, headDim: 64, context: 150 }],
  [
    'q8',
    'groups of 2, headDim 20, shared',
    { heads: 4, kvHeads: 2, headDim: 20, context: 133, share: orders.immediate },
  ],
  ['f32', 'groups of 3, headDim 64', { heads: 3, kvHeads: 1, headDim: 64, context: 150 }],
  ['f32', 'groups of 5, headDim 10', { heads: 5, kvHeads: 1, headDim: 10, context: 133, rope: false }],
])('KV %s, %s', (kv, name, shape) => {
  const graph: Graph = model(shape);
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: 131 }, (_, i) => (i * 37 + 11) % graph.vocab);

  test('the oracle: cached equals uncached', () => {
    const cached = new Oracle(graph, weightOf, { quant: 'f32', kv });
    const uncached = sequence(graph, weightOf, tokens.slice(0, 70), { quant: 'f32', kv });
    for (const [i, logits] of uncached.entries())
      expect(relativeError(cached.step(tokens[i]!), logits)).toBeLessThan(1e-9);
  });

  test('decoding follows the oracle; prefilling equals decoding', async () => {
    const compiled = await rig(graph, weightOf, 'f32', 'simd', 1, kv);
    const oracle = new Oracle(graph, weightOf, { quant: 'f32', kv });
    const errors: number[] = [];
    const decoded = tokens.map((token) => {
      compiled.decode(token);
      errors.push(relativeError(compiled.logits, oracle.step(token)));
      return compiled.logits.slice();
    });
    console.log(`KV ${kv}, ${name}: free-running divergence ${Math.max(...errors).toExponential(1)}`);
    // a code that rounds the other way spreads; f32 has no codes
    expect(Math.max(...errors)).toBeLessThan(kv === 'q8' ? 0.05 : 1e-4);
    compiled.position = 0;
    for (let from = 0; from < 128; from += 64) {
      const tile = tokens.slice(from, from + 64);
      compiled.prefill(tile);
      for (const [row] of tile.entries()) {
        compiled.head(row);
        expect(relativeError(compiled.logits, decoded[from + row]!)).toBeLessThan(kv === 'q8' ? 0.05 : 1e-5);
      }
    }
    compiled.decode(tokens[128]!);
    expect(relativeError(compiled.logits, decoded[128]!)).toBeLessThan(kv === 'q8' ? 0.05 : 1e-5);
  });
});
