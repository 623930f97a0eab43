/**
 * Random models out of the language's primitives: a few blocks, each a few residual parts, in a
 * random sharing order. A part is a row of `parts`: what it draws, and what it makes of x [t, d].
 * **A new primitive is a new row**; every row then meets every other, on every machine.
 */
import * as dsl from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import fc from 'fast-check';

type Value = dsl.Tensor;
type Layer = (x: Value) => Value;
/**
 * The language without its types, which would have to know the axes of everything that is drawn
 * here.
 */
type Loose = (...args: readonly unknown[]) => never;
const loose = dsl as unknown as Record<string, Loose>;
const make = (name: string, ...args: readonly unknown[]): Layer => loose[name]!(...args);
const call = (name: string, ...args: readonly unknown[]): Value => loose[name]!(...args);

/** Axes that parts share. */
export interface Widths {
  readonly t: dsl.Dim;
  readonly d: dsl.Dim;
  readonly vocab: dsl.Dim;
}

/** Modules by name, and the value that is added to x. */
export interface Part {
  readonly modules: Readonly<Record<string, Layer>>;
  readonly value: (w: Readonly<Record<string, Layer>>, x: Value) => Value;
}

/** What a part draws, and the part that is made of it. */
interface Row<Drawn> {
  readonly draw: fc.Arbitrary<Drawn>;
  readonly make: (drawn: Drawn, widths: Widths) => Part;
  /** Whether it has a state that no other execution can read. */
  readonly isAlone: boolean;
}

function row<Drawn>(draw: fc.Arbitrary<Drawn>, make: Row<Drawn>['make'], isAlone = false): Row<Drawn> {
  return { draw, make, isAlone };
}

const heads = {
  kvHeads: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(2, 4, 6, 8, 12),
};
const options = {
  window: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  softcap: fc.option(fc.constantFrom(0.5, 2, 30), { nil: undefined }),
  scale: fc.option(fc.constantFrom(0.1, 0.7, 1.3), { nil: undefined }),
};
const norms = fc.constantFrom('none', 'before', 'behind', 'weightless');

/**
 * One attention written out: rotation and norms of heads on each side, keys that are values, a
 * second reader of the state.
 */
const attention = row(
  fc.record({
    ...heads,
    ...options,
    qTurns: fc.boolean(),
    kTurns: fc.boolean(),
    qNorm: norms,
    kNorm: norms,
    isOne: fc.boolean(),
    again: fc.option(fc.record(options), { nil: undefined }),
    bias: fc.boolean(),
  }),
  ({ kvHeads, group, headDim, qTurns, kTurns, qNorm, kNorm, isOne, again, bias, ...how }, { d }) => {
    const count = kvHeads * group;
    const q = { name: 'q', size: count * headDim };
    const kv = { name: 'kv', size: kvHeads * headDim };
    const norm = (kind: string, axis: typeof q, n: number): Record<string, Layer> =>
      kind === 'none'
        ? {}
        : { [`${axis.name}Norm`]: make('headNorm', axis, { heads: n, gain: kind !== 'weightless' }) };
    const modules = {
      norm: make('rmsNorm', d),
      q: make('linear', d, q, { bias }),
      k: make('linear', d, kv, { bias }),
      ...(isOne ? {} : { v: make('linear', d, kv) }),
      ...norm(qNorm, q, count),
      ...norm(kNorm, kv, kvHeads),
      o: make('linear', q, d),
    };
    return {
      modules,
      value: (w, x) => {
        const n = w.norm!(x);
        const shaped = (value: Value, turns: boolean, kind: string, heads: number, named: string): Value => {
          const normed = (x: Value, when: readonly string[]) => (when.includes(kind) ? w[named]!(x) : x);
          const before = normed(value, ['before']);
          const turned = turns ? call('rotate', before, dsl.rope(100), { heads }) : before;
          return normed(turned, ['behind', 'weightless']);
        };
        const k = shaped(w.k!(n), kTurns, kNorm, kvHeads, 'kvNorm');
        const state = call('cache', k, isOne ? k : w.v!(n), { kvHeads });
        const queries = shaped(w.q!(n), qTurns, qNorm, count, 'qNorm');
        const first = call('attention', queries, state, { ...how });
        return w.o!(
          again ? call('add', first, call('attention', call('scale', queries, 0.5), state, { ...again })) : first,
        );
      },
    };
  },
);

const gqa = row(
  fc.record({ ...heads, ...options, turns: fc.boolean() }),
  ({ kvHeads, group, headDim, turns, ...how }, { d }) => ({
    modules: {
      norm: make('rmsNorm', d),
      attn: make('gqa', d, {
        heads: kvHeads * group,
        kvHeads,
        headDim,
        ...(turns ? { rope: dsl.rope(500) } : {}),
        ...how,
      }),
    },
    value: (w, x) => w.attn!(w.norm!(x)),
  }),
);

const swiglu = row(fc.constantFrom(6, 16, 20), (size, { d }) => ({
  modules: { norm: make('rmsNorm', d), mlp: make('swiglu', d, { name: 'ff', size }) },
  value: (w, x) => w.mlp!(w.norm!(x)),
}));

const feedForward = row(
  fc.record({ size: fc.constantFrom(6, 16), act: fc.constantFrom('relu', 'gelu', 'silu', 'tanh'), bias: fc.boolean() }),
  ({ size, act, bias }, { d }) => {
    const ff = { name: 'ff', size };
    return {
      modules: { up: make('linear', d, ff, { bias }), down: make('linear', ff, d, { bias }) },
      value: (w, x) => w.down!(call(act, w.up!(x))),
    };
  },
);

const causalConv = row(
  fc.record({ taps: fc.integer({ min: 1, max: 4 }), bias: fc.boolean(), eps: fc.constantFrom(1e-5, 1e-3) }),
  ({ taps, bias, eps }, { d }) => ({
    modules: {
      norm: make('layerNorm', d, { eps, bias }),
      conv: make('causalConv', d, taps, { bias }),
      out: make('linear', d, d),
    },
    value: (w, x) => w.out!(w.conv!(w.norm!(x))),
  }),
  true,
);

const rotation = fc.record({
  theta: fc.constantFrom(100, 10_000),
  pairing: fc.constantFrom('half' as const, 'adjacent' as const),
  /** Which part of a head turns. */
  part: fc.constantFrom(1, 0.5),
  scaling: fc.constantFrom(
    undefined,
    dsl.ropeScaling.linear(4),
    dsl.ropeScaling.llama3({ factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 30 }),
    dsl.ropeScaling.yarn({ factor: 4, originalContext: 40, betaFast: 4 }),
  ),
});

/**
 * Attention as released families have it: one tensor for q, k and v, or adapters on them; every
 * kind of RoPE; norms of heads around a weight of 1; a gate.
 */
const released = row(
  fc.record({
    ...heads,
    rotation,
    from: fc.constantFrom('one tensor', 'one tensor in groups', 'adapters'),
    bias: fc.boolean(),
    norms: fc.boolean(),
    isGated: fc.boolean(),
  }),
  ({ kvHeads, group, headDim, rotation: { theta, pairing, part, scaling }, from, bias, norms, isGated }, { d }) => {
    const count = kvHeads * group;
    const q = { name: 'q', size: count * headDim };
    const kv = { name: 'kv', size: kvHeads * headDim };
    const dims = 2 * Math.max(1, Math.floor((part * headDim) / 2));
    const rope = dsl.rope(theta, { pairing, dims, scaling });
    const adapter = (to: typeof q): Layer => make('adapter', make('linear', d, to, { bias }), 2, { alpha: 3 });
    const groups = from === 'one tensor' ? 1 : kvHeads;
    const split = { qkv: make('split', d, { q, k: kv, v: kv }, { bias, groups }) };
    const around = { offset: 1, eps: 1e-3 };
    return {
      modules: {
        norm: make('rmsNorm', d, around),
        ...(from === 'adapters' ? { q: adapter(q), k: adapter(kv), v: adapter(kv) } : split),
        ...(norms
          ? {
              qNorm: make('headNorm', q, { heads: count, ...around }),
              kNorm: make('headNorm', kv, { heads: kvHeads, ...around }),
            }
          : {}),
        ...(isGated ? { gate: make('linear', d, q) } : {}),
        o: make('linear', q, d),
      },
      value: (w, x) => {
        const n = w.norm!(x);
        type Parts = Readonly<Record<'q' | 'k' | 'v', Value>>;
        const { q, k, v } =
          from === 'adapters' ? { q: w.q!(n), k: w.k!(n), v: w.v!(n) } : (w.qkv!(n) as unknown as Parts);
        const [queries, keys] = norms ? [w.qNorm!(q), w.kNorm!(k)] : [q, k];
        const state = call('cache', call('rotate', keys, rope, { heads: kvHeads }), v, { kvHeads });
        const attended = call('attention', call('rotate', queries, rope, { heads: count }), state);
        return w.o!(isGated ? call('mul', attended, call('sigmoid', w.gate!(n))) : attended);
      },
    };
  },
);

/** A feed-forward part whose gate and up are one tensor, with its norm behind it, multiplied before it is added. */
const fused = row(
  fc.record({ size: fc.constantFrom(6, 16), bias: fc.boolean(), by: fc.constantFrom(0.3, 1.5) }),
  ({ size, bias, by }, { d }) => {
    const ff = { name: 'ff', size };
    return {
      modules: {
        gateUp: make('split', d, { gate: ff, up: ff }, { bias }),
        down: make('linear', ff, d, { bias }),
        norm: make('layerNorm', d, { bias: false }),
      },
      value: (w, x) => {
        const { gate, up } = w.gateUp!(x) as unknown as Readonly<Record<'gate' | 'up', Value>>;
        return call('scale', w.norm!(w.down!(call('mul', call('geluTanh', gate), up))), by);
      },
    };
  },
);

/** LFM2's: a convolution between two gates. */
const gatedConv = row(
  fc.integer({ min: 1, max: 6 }),
  (taps, { d }) => ({
    modules: {
      norm: make('rmsNorm', d),
      in: make('split', d, { b: d, c: d, x: d }),
      conv: make('causalConv', d, taps),
      out: make('linear', d, d),
    },
    value: (w, x) => {
      const { b, c, x: value } = w.in!(w.norm!(x)) as unknown as Readonly<Record<'b' | 'c' | 'x', Value>>;
      return w.out!(call('mul', c, w.conv!(call('mul', b, value))));
    },
  }),
  true,
);

/** The rows; a name says in a failure what was drawn. */
const parts = { attention, gqa, released, swiglu, feedForward, fused, causalConv, gatedConv };

interface Drawn {
  readonly name: string;
  readonly isAlone: boolean;
  readonly made: (widths: Widths) => Part;
}

const part: fc.Arbitrary<Drawn> = fc.oneof(
  ...Object.entries(parts).map(([name, { draw, make, isAlone }]) =>
    (draw as fc.Arbitrary<never>).map((drawn) => ({
      isAlone,
      name: `${name} ${JSON.stringify(drawn)}`,
      made: (widths: Widths) => (make as (drawn: never, widths: Widths) => Part)(drawn, widths),
    })),
  ),
);

const order = fc.constantFrom(...[dsl.share.none(), dsl.share.immediate(2), dsl.share.cycle(2), dsl.share.reverse()]);

/** What stands around the blocks. */
const outside = fc.record({
  positions: fc.boolean(),
  embeddingScale: fc.constantFrom(1, 0.5, 4),
  /** How often the stack runs, with the norm behind each run. */
  loops: fc.constantFrom(1, 1, 1, 2),
  norm: fc.constantFrom('rmsNorm', 'layerNorm'),
  isTied: fc.boolean(),
  cap: fc.option(fc.constantFrom(2, 15), { nil: undefined }),
});

/** A model, and what it was made of. */
export const randomGraph: fc.Arbitrary<{ readonly graph: Graph; readonly made: string }> = fc
  .record({
    width: fc.constantFrom(8, 12, 20),
    context: fc.constantFrom(24, 40),
    blocks: fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    sharing: order,
    perSet: fc.boolean(),
    outside,
  })
  .map(({ width, context, blocks, sharing, perSet, outside }) => {
    const { t, d, vocab } = dsl.dims({ t: context, d: width, vocab: 30 });
    const layers = blocks.map((chosen) => {
      // parts are made for each set of weights
      const fresh = () => chosen.map(({ made }) => made({ t, d, vocab }));
      const shapes = fresh();
      return call(
        'block',
        [t, d],
        () => Object.fromEntries(fresh().map(({ modules }, i) => [`part${i}`, modules])),
        (w: Record<string, Record<string, Layer>>, x: Value) =>
          shapes.reduce((x, { value }, i) => call('residual', x, (x: Value) => value(w[`part${i}`]!, x)), x),
      );
    });
    const kv = perSet && !blocks.flat().some(({ isAlone }) => isAlone) ? 'perSet' : 'perExecution';
    const graph = call(
      'defineModel',
      'random',
      {},
      () => ({
        embed: make('embedding', vocab, d),
        ...(outside.positions ? { wpe: make('positions', t, d) } : {}),
        layers: make('stack', layers.length, (i: number) => layers[i], sharing, { kv }),
        norm: make(outside.norm, d),
        ...(outside.isTied ? {} : { head: make('linear', d, vocab) }),
      }),
      (m: Record<string, Layer> & { embed: Layer & { logits: Layer } }) => {
        let x = call('scale', m.embed(dsl.input(t) as unknown as Value), outside.embeddingScale);
        if (outside.positions) x = call('add', x, (m.wpe as unknown as () => Value)());
        x = call('loop', outside.loops, x, (x: Value) => m.norm!(m.layers!(x)));
        const logits = outside.isTied ? m.embed.logits(x) : m.head!(x);
        const { cap } = outside;
        return cap === undefined ? logits : call('scale', call('tanh', call('scale', logits, 1 / cap)), cap);
      },
    ) as unknown as Graph;
    const texts = blocks.map((chosen) => chosen.map(({ name }) => name).join(' + '));
    const around = JSON.stringify(outside);
    return {
      graph,
      made: `${sharing.text}, ${kv}, d ${width}, context ${context}, ${around}\n  ${texts.join('\n  ')}`,
    };
  });
