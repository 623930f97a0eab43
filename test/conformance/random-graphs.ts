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

/** The rows; a name says in a failure what was drawn. */
const parts = { attention, gqa, swiglu, feedForward, causalConv };

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

/** A model, and what it was made of. */
export const randomGraph: fc.Arbitrary<{ readonly graph: Graph; readonly made: string }> = fc
  .record({
    width: fc.constantFrom(8, 12, 20),
    context: fc.constantFrom(24, 40),
    blocks: fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    sharing: order,
    perSet: fc.boolean(),
  })
  .map(({ width, context, blocks, sharing, perSet }) => {
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
        layers: make('stack', layers.length, (i: number) => layers[i], sharing, { kv }),
        norm: make('rmsNorm', d),
      }),
      (m: Record<string, Layer> & { embed: Layer & { logits: Layer } }) =>
        m.embed.logits(m.norm!(m.layers!(m.embed(dsl.input(t) as unknown as Value)))),
    ) as unknown as Graph;
    const texts = blocks.map((chosen) => chosen.map(({ name }) => name).join(' + '));
    return { graph, made: `${sharing.text}, ${kv}, d ${width}, context ${context}\n  ${texts.join('\n  ')}` };
  });
