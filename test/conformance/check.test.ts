/**
 * `check` accepts exactly the graphs that `compile` accepts, on random graphs: tangled bodies, odd
 * sizes, hand-written attention. A graph that both refuse gives a diagnostic, never an exception.
 */
import { check } from '@lamella/compiler/check';
import type { CompileOptions } from '@lamella/compiler/compilation';
import { compile } from '@lamella/compiler/pipeline';
import * as dsl from '@lamella/dsl';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, Graph } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { warnings } from '@lamella/graph/warnings';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { model } from './models.ts';
import { relativeError, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

/** The DSL without its types, which would refuse most of these graphs. */
type Loose = (...args: readonly unknown[]) => dsl.Tensor;
const loose = dsl as unknown as Record<string, Loose>;

/** One step of a body: an operation, and the earlier values that it takes. */
const step = fc.record({
  op: fc.constantFrom(
    'linear',
    'linear',
    'biased',
    'norm',
    'silu',
    'scale',
    'add',
    'mul',
    'gqa',
    'attention',
    'swiglu',
  ),
  a: fc.nat(9),
  b: fc.nat(9),
  to: fc.nat(2),
  rope: fc.boolean(),
  ropeKeys: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const recipe = fc.record({
  t: fc.constantFrom(1, 2, 16, 300),
  d: fc.constantFrom(1, 4, 6, 8, 16),
  ff: fc.constantFrom(3, 8, 12),
  vocab: fc.constantFrom(1, 20, 50),
  heads: fc.constantFrom(1, 2, 4),
  kvHeads: fc.constantFrom(1, 2),
  headDim: fc.constantFrom(1, 2, 4, 6, 8),
  body: fc.array(step, { minLength: 1, maxLength: 7 }),
  returns: fc.nat(9),
  isResidual: fc.boolean(),
  count: fc.constantFrom(1, 2),
  repeats: fc.constantFrom(1, 2),
  before: fc.array(step, { maxLength: 2 }),
  between: fc.array(step, { maxLength: 2 }),
  after: fc.array(step, { maxLength: 2 }),
  stacks: fc.constantFrom(1, 1, 1, 2, 0),
  isTied: fc.boolean(),
});
type Recipe = typeof recipe extends fc.Arbitrary<infer T> ? T : never;

/** Modules of a body, by step; each has the width of the step's operand. */
function modules(steps: readonly Step[], axes: readonly Axis[], { heads, kvHeads, headDim }: Recipe) {
  const [d, ff, q] = axes as [Axis, Axis, Axis];
  const kv = { name: 'kv', size: kvHeads * headDim };
  const widths = [d];
  const made = steps.map(({ op, a, to, rope }, i): readonly [string, unknown] => {
    const from = widths[a % widths.length]!;
    widths.push(op === 'linear' || op === 'biased' ? axes[to]! : op === 'attention' ? q : from);
    const make = (): unknown => {
      switch (op) {
        case 'linear':
        case 'biased':
          return loose.linear!(from, axes[to], { bias: op === 'biased' });
        case 'norm':
          return loose.rmsNorm!(from);
        case 'swiglu':
          return loose.swiglu!(from, ff);
        case 'gqa':
          return loose.gqa!(from, {
            heads,
            kvHeads,
            headDim,
            ...(rope && headDim % 2 === 0 ? { rope: dsl.rope(10_000) } : {}),
          });
        case 'attention':
          return { q: loose.linear!(from, q), k: loose.linear!(from, kv), v: loose.linear!(from, kv) };
        default:
          return {};
      }
    };
    return [`m${i}`, make()];
  });
  return Object.fromEntries(made);
}

/** All values of a body, its input first. */
function run(steps: readonly Step[], w: Record<string, never>, x: dsl.Tensor, sizes: Recipe): dsl.Tensor[] {
  const { heads, kvHeads, headDim } = sizes;
  const values = [x];
  steps.forEach(({ op, a, b, rope, ropeKeys }, i) => {
    const left = values[a % values.length]!;
    const right = values[b % values.length]!;
    const module = w[`m${i}`];
    if (op === 'silu') values.push(loose.silu!(left));
    else if (op === 'scale') values.push(loose.scale!(left, 0.5));
    else if (op === 'add' || op === 'mul')
      values.push(loose[op]!(left, left.axes[1]?.name === right.axes[1]?.name ? right : left));
    else if (op === 'attention') {
      const w = module as unknown as Record<'q' | 'k' | 'v', Loose>;
      const turn = (isTurned: boolean, x: dsl.Tensor, count: number) =>
        isTurned && headDim % 2 === 0 ? loose.rotate!(x, dsl.rope(10_000), { heads: count }) : x;
      const [q, k, v] = [turn(rope, w.q(left), heads), turn(ropeKeys, w.k(left), kvHeads), w.v(left)];
      values.push(loose.attention!(q, loose.cache!(k, v, { kvHeads })));
    } else values.push((module as unknown as Loose)(left));
  });
  return values;
}

const around = dsl.dims({ t: 16, d: 8, vocab: 20 });
type Discards = {
  readonly embed: dsl.Embedding<typeof around.vocab, typeof around.d>;
  readonly extra: dsl.Layer<typeof around.d, typeof around.d>;
};

/** Throws the DSL's refusal. */
function graphOf(sizes: Recipe): Graph {
  const { t, d, ff, vocab } = dsl.dims({ t: sizes.t, d: sizes.d, ff: sizes.ff, vocab: sizes.vocab });
  const axes: readonly Axis[] = [d, ff, { name: 'q', size: sizes.heads * sizes.headDim }];
  const ofWidth = (values: readonly dsl.Tensor[], at: number) => {
    const fitting = values.filter((value) => value.axes[1]?.name === 'd');
    return fitting[at % fitting.length]!;
  };
  const layer = loose.block!(
    [t, d],
    () => modules(sizes.body, axes, sizes),
    (w: Record<string, never>, x: dsl.Tensor) => {
      const body = (x: dsl.Tensor) => ofWidth(run(sizes.body, w, x, sizes), sizes.returns);
      return sizes.isResidual ? loose.residual!(x, body) : body(x);
    },
  );
  const init = () => ({
    embed: loose.embedding!(vocab, d),
    before: modules(sizes.before, axes, sizes),
    ...Object.fromEntries(
      Array.from({ length: sizes.stacks }, (_, i) => [
        `layers${i}`,
        loose.stack!(sizes.count, layer, dsl.share.cycle(sizes.repeats)),
      ]),
    ),
    between: modules(sizes.between, axes, sizes),
    after: modules(sizes.after, axes, sizes),
    ...(sizes.isTied ? {} : { head: loose.linear!(d, vocab) }),
  });
  const body = (m: Record<string, never>) => {
    const part = (steps: readonly Step[], w: string, x: dsl.Tensor, at: number) =>
      ofWidth(run(steps, m[w]!, x, sizes), at);
    const embed = m.embed as unknown as Loose & { readonly logits: Loose };
    let x = part(sizes.before, 'before', embed(dsl.input(t)), 2);
    for (let i = 0; i < sizes.stacks; i++) {
      x = (m[`layers${i}`] as unknown as Loose)(x);
      if (i === 0) x = part(sizes.between, 'between', x, 2);
    }
    x = part(sizes.after, 'after', x, sizes.returns);
    return sizes.isTied ? embed.logits(x) : (m.head as unknown as Loose)(x);
  };
  return loose.defineModel!('random', {}, init, body) as unknown as Graph;
}

/** The diagnostic's message, or null if there was none. Any other error passes through. */
async function verdict(run: () => unknown): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof LamellaError) return error.message;
    throw error;
  }
}

const everyOption: readonly CompileOptions[] = [
  { quant: 'q8' },
  { quant: 'f32' },
  { quant: 'q4', kv: 'q8' },
  { quant: 'q8', targets: ['wasm', 'webgpu'] },
];

const counts = { accepted: 0, refused: 0 };

test('check and compile agree on every graph', async () => {
  await fc.assert(
    fc.asyncProperty(recipe, fc.constantFrom(...everyOption), async (sizes, options) => {
      let graph: Graph;
      try {
        graph = graphOf(sizes);
      } catch (error) {
        if (!(error instanceof LamellaError)) throw error;
        return;
      }
      const checked = await verdict(() => check(graph, options));
      expect(await verdict(() => compile(graph, options))).toBe(checked);
      counts[checked === null ? 'accepted' : 'refused']++;
    }),
    { numRuns: 150, seed: 14 },
  );
  // both outcomes must occur, otherwise the random graphs test nothing
  expect(counts.accepted).toBeGreaterThan(5);
  expect(counts.refused).toBeGreaterThan(5);
});

test("accepted graphs give the oracle's results", async () => {
  let computed = 0;
  await fc.assert(
    fc.asyncProperty(recipe, async (sizes) => {
      let graph: Graph;
      try {
        graph = graphOf(sizes);
        await check(graph, { quant: 'f32' });
      } catch (error) {
        if (!(error instanceof LamellaError)) throw error;
        return;
      }
      const read = weightsOf(graph);
      const running = await rig(graph, read, 'f32');
      const oracle = new Oracle(graph, read, { quant: 'f32' });
      const tokens = Array.from({ length: Math.min(graph.tokens.size, 6) }, (_, i) => (i * 7 + 1) % graph.vocab);
      const compare = (wanted: ArrayLike<number>) => {
        const largest = Math.max(...Array.from(wanted, Math.abs));
        // products of many factors exceed the range of f32
        if (largest > 1e-20 && largest < 1e20) expect(relativeError(running.logits, wanted)).toBeLessThan(1e-3);
      };
      const prompt = tokens.slice(0, 3);
      running.prefill(prompt);
      running.head(prompt.length - 1);
      compare(prompt.map((token) => oracle.step(token)).at(-1)!);
      for (const token of tokens.slice(3)) {
        running.decode(token);
        compare(oracle.step(token));
      }
      computed++;
    }),
    { numRuns: 150, seed: 14 },
  );
  expect(computed).toBeGreaterThan(20);
});

test('attention beside attention in one block', async () => {
  const { t, d, vocab } = dsl.dims({ t: 16, d: 8, vocab: 20 });
  const attention = () => dsl.gqa(d, { heads: 2, kvHeads: 1, headDim: 4, rope: dsl.rope(10_000) });
  const layer = dsl.block(
    [t, d],
    () => ({ a: attention(), b: attention() }),
    (w, x) => dsl.add(x, dsl.add(w.a(x), w.b(x))),
  );
  const graph = dsl.defineModel(
    'beside',
    {},
    // names that the compiler also generates
    () => ({ embed: dsl.embedding(vocab, d), start: dsl.stack(2, layer), end: dsl.stack(1, layer) }),
    (m) => m.embed.logits(m.end(m.start(m.embed(dsl.input(t))))),
  );
  for (const quant of ['f32', 'q8'] as const) {
    await compile(graph, { quant, targets: ['wasm', 'webgpu'] });
    const running = await rig(graph, weightsOf(graph), quant);
    const oracle = new Oracle(graph, weightsOf(graph), { quant });
    for (const token of [1, 8, 15, 2, 9]) {
      running.decode(token);
      expect(relativeError(running.logits, oracle.step(token))).toBeLessThan(1e-4);
    }
  }
});

/** Constants at both ends of f32's range, and random ones. */
const constant = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(1e-5, 1, 2 ** -126, 3.4028234e38) },
  fc.constantFrom(0, -0, 2 ** -127, 2 ** -149, 1e-60, -1, 3.40282347e38, 3.403e38, 4e38),
  fc.double(),
  fc.double({ min: 1e-40, max: 1e-36 }),
  fc.double({ min: 1e36, max: 1e40 }),
);

test('constants that f32 cannot hold are refused at their line, and all others compile', async () => {
  const counts = { accepted: 0, refused: 0 };
  const isHeld = (value: number) => Number.isFinite(Math.fround(value)) && Math.abs(Math.fround(value)) >= 2 ** -126;
  await fc.assert(
    fc.asyncProperty(constant, constant, constant, async (eps, theta, by) => {
      const { t, d, vocab } = dsl.dims({ t: 16, d: 8, vocab: 20 });
      const heads = { heads: 2, kvHeads: 1, headDim: 4 };
      const isSound = [eps, theta].every((each) => each > 0 && isHeld(each)) && (by === 0 || isHeld(by));
      let graph: Graph;
      try {
        const layer = dsl.block(
          [t, d],
          () => ({ norm: dsl.rmsNorm(d, { eps }), attn: dsl.gqa(d, { ...heads, rope: dsl.rope(theta) }) }),
          (w, x) => dsl.residual(x, (x) => dsl.scale(w.attn(w.norm(x)), by)),
        );
        graph = dsl.defineModel(
          'constants',
          {},
          () => ({ embed: dsl.embedding(vocab, d), layers: dsl.stack(1, layer) }),
          (m) => dsl.scale(m.embed.logits(m.layers(m.embed(dsl.input(t)))), by),
        );
      } catch (error) {
        if (!(error instanceof LamellaError)) throw error;
        expect(error.message).toMatch(/^L1(17|18|21) .* that f32 holds/);
        expect(error.site?.file).toBe('test/conformance/check.test.ts');
        expect(isSound).toBe(false);
        counts.refused++;
        return;
      }
      expect(isSound).toBe(true);
      const options = { quant: 'f32', targets: ['wasm', 'webgpu'] } as const;
      expect(await verdict(() => check(graph, options))).toBeNull();
      expect(await verdict(() => compile(graph, options))).toBeNull();
      counts.accepted++;
    }),
    { numRuns: 50, seed: 14 },
  );
  expect(counts.accepted).toBeGreaterThan(10);
  expect(counts.refused).toBeGreaterThan(10);
});

type Discard = (m: Discards, x: dsl.Tensor, logits: dsl.Tensor) => unknown;
test.each<readonly [string, Discard]>([
  ['the logits, changed', (_, _x, logits) => dsl.scale(logits, 2)],
  ['other logits', (m, x) => dsl.scale(m.embed.logits(x), 2)],
  ['another layer', (m, x) => m.extra(x)],
  ['a layer before the stack', (m) => m.extra(m.embed(dsl.input(around.t)))],
])('a value that the model throws away is not computed: %s', async (_, discard) => {
  const { t, d, vocab } = around;
  const layer = dsl.block(
    [t, d],
    () => ({ norm: dsl.rmsNorm(d) }),
    (w, x) => dsl.residual(x, (x) => w.norm(x)),
  );
  const define = (discard: Discard) =>
    dsl.defineModel(
      'discards',
      {},
      () => ({ embed: dsl.embedding(vocab, d), layers: dsl.stack(2, layer), extra: dsl.linear(d, d) }),
      (m) => {
        const x = m.layers(m.embed(dsl.input(t)));
        const logits = m.embed.logits(dsl.add(x, m.extra(x)));
        discard(m, x, logits);
        return logits;
      },
    );
  const graph = define(discard);
  expect(warnings(graph).map(({ code }) => code)).toEqual(['L128']);
  for (const quant of ['f32', 'q8'] as const) {
    const options = { quant, targets: ['wasm', 'webgpu'] } as const;
    await check(graph, options);
    expect((await compile(graph, options)).wasm).toEqual(
      (
        await compile(
          define(() => {}),
          options,
        )
      ).wasm,
    );
  }
});

test.each([
  ['keys and values', { context: 2_000_000, layers: 1 }, 'layers writes to 256000000 bytes', 'compiling with --kv q8'],
  ['logits', { vocab: 70_000_000, d: 16 }, 'start writes to ', 'a smaller vocabulary'],
  ['heads', { headDim: 1200, heads: 1, kvHeads: 1 }, 'self_attn has heads of 1200', 'a smaller headDim'],
  ['a table', { vocab: 4_000_000, d: 256 }, 'start.embed_tokens.decode reads 10 pieces', 'a smaller vocabulary'],
] as const)('L130: %s are more than a GPU takes, and WASM takes them', async (_, changes, reason, remedy) => {
  const graph = model(changes);
  await check(graph, { quant: 'q8' });
  const refused = await verdict(() => check(graph, { quant: 'q8', targets: ['wasm', 'webgpu'] }));
  expect(refused).toMatch(/^L130 the model is too large for WebGPU: /);
  expect(refused).toContain(reason);
  expect(refused).toContain(`Try ${remedy}`);
});
