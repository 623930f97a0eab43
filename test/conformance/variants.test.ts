/**
 * Graphs beyond Llama: norms after instead of before, parallel branches, one FFN for all layers,
 * two kinds in one stack, two stacks, biases, blocks without a residual. Each is compared with the
 * oracle, decoded and prefilled: here fusion must stop, or must not overwrite what is still read.
 */
import {
  add,
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mul,
  residual,
  rmsNorm,
  rope,
  scale,
  share,
  silu,
  stack,
  swiglu,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import type { FormatName } from '@lamella/runtime/choices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { model } from './models.ts';
import { relativeError, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

const { t, d, ff, vocab } = dims({ t: 40, d: 32, ff: 48, vocab: 50 });
const attention = { heads: 4, kvHeads: 2, headDim: 8, rope: rope(10_000) };

type Layers = ReturnType<typeof stack<typeof bare>>;

/** A model around a stack. */
const around = (name: string, layers: () => Layers): Graph =>
  defineModel(
    name,
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: layers(), norm: rmsNorm(d) }),
    (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
  );

const parts = () => ({ norm: rmsNorm(d), attn: gqa(d, attention), norm2: rmsNorm(d), mlp: swiglu(d, ff) });

const postNorm = block([t, d], parts, (w, x) => {
  x = residual(x, (x) => w.norm(w.attn(x)));
  return residual(x, (x) => w.norm2(w.mlp(x)));
});

const parallel = block([t, d], parts, (w, x) => {
  const n = w.norm(x);
  return add(add(x, w.attn(n)), w.mlp(w.norm2(x)));
});

/** x is read after everything was added to it, so nothing may be written in place too early. */
const longSkip = block([t, d], parts, (w, x) => {
  const y = residual(x, (x) => w.attn(w.norm(x)));
  const z = residual(y, (y) => w.mlp(w.norm2(y)));
  return add(add(z, scale(y, 0.5)), scale(x, 0.25));
});

const noResidual = block(
  [t, d],
  () => ({ up: linear(d, ff, { bias: true }), down: linear(ff, d, { bias: true }) }),
  (w, x) => w.down(silu(w.up(x))),
);

const gated = block(
  [t, d],
  () => ({ a: linear(d, d), b: linear(d, d, { bias: true }), norm: rmsNorm(d, { eps: 1e-3 }) }),
  (w, x) => {
    const n = w.norm(x);
    // linears and element-wise maths both read the norm's value
    return add(mul(silu(w.a(n)), w.b(n)), n);
  },
);

/** A linear whose own operand is its residual. */
const squared = block(
  [t, d],
  () => ({ a: linear(d, d), b: linear(d, d) }),
  (w, x) => {
    const y = add(x, w.a(x));
    return add(y, mul(w.b(y), w.b(y)));
  },
);

const bare = block([t, d], parts, (w, x) => {
  x = residual(x, (x) => w.attn(w.norm(x)));
  return residual(x, (x) => w.mlp(w.norm2(x)));
});

const oneFfn = (): Layers => {
  const mlp = swiglu(d, ff);
  return stack(
    3,
    block(
      [t, d],
      () => ({ ...parts(), mlp }),
      (w, x) => {
        x = residual(x, (x) => w.attn(w.norm(x)));
        return residual(x, (x) => w.mlp(w.norm2(x)));
      },
    ),
    share.immediate(2),
  );
};

const twoStacks = (): Graph =>
  defineModel(
    'two-stacks',
    {},
    () => ({
      embed: embedding(vocab, d),
      first: stack(2, bare),
      middle: rmsNorm(d),
      second: stack(2, postNorm),
      head: linear(d, vocab),
    }),
    (m) => m.head(m.second(m.middle(m.first(m.embed(input(t)))))),
  );

const graphs: readonly Graph[] = [
  around('post-norm', () => stack(2, postNorm, share.immediate(2))),
  around('parallel', () => stack(2, parallel)),
  around('long-skip', () => stack(2, longSkip, share.cycle(2))),
  around('no-residual', () => stack(2, noResidual)),
  around('gated', () => stack(2, gated)),
  around('squared', () => stack(2, squared)),
  around('one-ffn-for-all-layers', oneFfn),
  around('two-kinds', () => stack(4, (i) => (i % 2 ? parallel : bare), share.reverse())),
  twoStacks(),
];

describe.each(graphs.map((g) => [g.name, g] as const))('%s', (_name, graph) => {
  test('f32 equals the oracle, decoded and prefilled', () => agrees(graph, 'f32', 1e-4));
  test('q8 equals the oracle, decoded and prefilled', () => agrees(graph, 'q8', 0.05));
  test('q4 equals the oracle, decoded and prefilled', () => agrees(graph, 'q4', 0.05));
});

test('random shapes', async () => {
  const shape = fc.record({
    layers: fc.integer({ min: 1, max: 3 }),
    d: fc.integer({ min: 1, max: 70 }),
    ff: fc.integer({ min: 1, max: 70 }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 4 }),
    headDim: fc.integer({ min: 1, max: 18 }).map((n) => 2 * n),
    vocab: fc.integer({ min: 2, max: 90 }),
    tied: fc.boolean(),
    rope: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ kvHeads, group, ...rest }) => {
      const graph = model({ ...rest, kvHeads, heads: kvHeads * group, context: 24 });
      for (const quant of ['f32', 'f16'] as const) await agrees(graph, quant, 1e-4);
    }),
    { numRuns: 30, seed: 1 },
  );
});

/** Decodes and prefills a sequence; both equal the oracle at every position. */
async function agrees(graph: Graph, quant: FormatName, tolerance: number): Promise<void> {
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: 20 }, (_, i) => (i * 37 + 11) % graph.vocab);
  const wanted = sequence(graph, weightOf, tokens, { quant });
  const compiled = await rig(graph, weightOf, quant);
  tokens.forEach((token, i) => {
    compiled.decode(token);
    expect(relativeError(compiled.logits, wanted[i]!)).toBeLessThan(tolerance);
  });
  compiled.position = 0;
  for (const tile of [tokens.slice(0, 7), tokens.slice(7)]) {
    const from = compiled.position;
    compiled.prefill(tile);
    tile.forEach((_, row) => {
      compiled.head(row);
      expect(relativeError(compiled.logits, wanted[from + row]!)).toBeLessThan(tolerance);
    });
  }
}
