/**
 * Graphs that change queries, keys and values between projections and attention, and attention's
 * result: scaling, LoRA on each, norms, rotation anywhere, one projection for two of them,
 * attention over attention. None is a Llama block.
 */
import * as dsl from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

export interface HeadShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly context: number;
  /** Weight sets, each run twice in a row. */
  readonly sets: number;
}

export const usualHeads: HeadShape = { heads: 4, kvHeads: 2, headDim: 8, context: 40, sets: 2 };

type Value = dsl.Tensor;
type Layer = (x: unknown) => Value;
/** The DSL without its types, which would need the axes of all these combinations. */
type Loose = (...args: readonly unknown[]) => Value;
const {
  add,
  mul,
  scale,
  silu,
  rotate,
  attention,
  cache,
  linear,
  rmsNorm,
  headNorm,
  residual,
  block,
  embedding,
  stack,
  defineModel,
} = dsl as unknown as Record<string, Loose>;

/** Modules of a block by name, made on first use, because an unused module is an error. */
type Modules = Readonly<Record<string, () => unknown>>;

interface Block {
  /** Values of this block's input. */
  readonly of: (module: string, x?: Value) => Value;
  readonly turnQ: (x: Value) => Value;
  readonly turnK: (x: Value) => Value;
  readonly attend: (q: Value, k: Value, v: Value, how?: dsl.AttentionOptions) => Value;
  /** A new state, and attention that reads it. */
  readonly cached: (k: Value, v: Value) => unknown;
  readonly read: (q: Value, kv: unknown, how?: dsl.AttentionOptions) => Value;
}

const lora = ({ of }: Block, which: 'q' | 'k' | 'v'): Value =>
  add!(of(which), scale!(of(`${which}b`, of(`${which}a`)), 0.5));

/** The modules of each variant, and its queries, keys and values. */
const ways: Readonly<Record<string, readonly [modules: string, make: (b: Block) => Value]>> = {
  'scaled-queries': ['q k v', ({ of, attend }) => attend(scale!(of('q'), 0.7), of('k'), of('v'))],
  'scaled-before-rope': [
    'q k v',
    ({ of, turnQ, turnK, attend }) => attend(turnQ(scale!(of('q'), 0.7)), turnK(of('k')), of('v')),
  ],
  'scaled-behind-rope': [
    'q k v',
    ({ of, turnQ, turnK, attend }) => attend(scale!(turnQ(of('q')), 0.7), scale!(turnK(of('k')), 1.2), of('v')),
  ],
  lora: ['q qa qb k ka kb v va vb', (b) => b.attend(b.turnQ(lora(b, 'q')), b.turnK(lora(b, 'k')), lora(b, 'v'))],
  'lora-without-rope': ['q qa qb k v va vb', (b) => b.attend(lora(b, 'q'), b.of('k'), lora(b, 'v'))],
  'rope-on-queries': ['q k v', ({ of, turnQ, attend }) => attend(turnQ(of('q')), of('k'), of('v'))],
  'rope-on-keys': ['q k v', ({ of, turnK, attend }) => attend(of('q'), turnK(of('k')), of('v'))],
  'norms-before-rope': [
    'q k v qNorm kNorm',
    ({ of, turnQ, turnK, attend }) => attend(turnQ(of('qNorm', of('q'))), turnK(of('kNorm', of('k'))), of('v')),
  ],
  'head-norms-before-rope': [
    'q k v qHeads kHeads',
    ({ of, turnQ, turnK, attend }) => attend(turnQ(of('qHeads', of('q'))), turnK(of('kHeads', of('k'))), of('v')),
  ],
  'keys-are-values': [
    'q k',
    ({ of, turnQ, attend }) => {
      const both = of('k');
      return attend(turnQ(of('q')), both, both);
    },
  ],
  'rotated-keys-are-values': [
    'q k',
    ({ of, turnK, attend }) => {
      const both = turnK(of('k'));
      return attend(of('q'), both, both);
    },
  ],
  'gated-values': [
    'q k v',
    ({ of, turnQ, turnK, attend }) => attend(turnQ(of('q')), turnK(of('k')), mul!(silu!(of('v')), of('k'))),
  ],
  'attention-over-attention': [
    'q k v',
    ({ of, turnQ, turnK, attend }) => {
      const first = attend(turnQ(of('q')), turnK(of('k')), of('v'));
      return attend(turnQ(first), of('k'), of('v'));
    },
  ],
  'gated-attention': [
    'q k v',
    ({ of, turnQ, turnK, attend }) => mul!(attend(turnQ(of('q')), turnK(of('k')), of('v')), silu!(of('q'))),
  ],
};

/** Variants whose attention has options, or reads another attention's state. */
const withOptions: Readonly<Record<string, (typeof ways)[string]>> = {
  'scale-and-softcap': [
    'q k v',
    ({ of, turnQ, turnK, attend }) => attend(turnQ(of('q')), turnK(of('k')), of('v'), { scale: 0.9, softcap: 1.5 }),
  ],
  window: ['q k v', ({ of, turnQ, turnK, attend }) => attend(turnQ(of('q')), turnK(of('k')), of('v'), { window: 7 })],
  'window-of-one': ['q k v', ({ of, attend }) => attend(of('q'), of('k'), of('v'), { window: 1 })],
  'two-readers': [
    'q k v',
    ({ of, turnQ, turnK, cached, read }) => {
      const kv = cached(turnK(of('k')), of('v'));
      const first = read(turnQ(of('q')), kv, { window: 5 });
      return add!(first, read(scale!(first, 0.5), kv, { softcap: 2 }));
    },
  ],
  'two-states': [
    'q k v',
    ({ of, turnQ, turnK, cached, read }) => {
      const kv = cached(turnK(of('k')), of('v'));
      const other = cached(of('v'), of('k'));
      const q = turnQ(of('q'));
      return add!(read(q, kv), add!(read(q, other, { window: 9 }), read(of('q'), kv, { window: 3 })));
    },
  ],
  'one-tensor': ['q k', ({ of, turnQ, attend }) => attend(turnQ(of('q')), of('k'), of('k'))],
  'rotated-one-tensor': [
    'q k',
    ({ of, turnQ, turnK, attend }) => {
      const both = turnK(of('k'));
      return attend(turnQ(of('q')), both, both, { window: 6 });
    },
  ],
};

/** A model for each variant with options of attention. */
export function optionModels(shape: HeadShape = usualHeads): readonly Graph[] {
  return Object.keys(withOptions).map((name) => modelOf(name, shape));
}

/** A model for each variant, one that rotates the residual, and one with everything. */
export function headModels(shape: HeadShape = usualHeads): readonly Graph[] {
  return [...Object.keys(ways).map((name) => modelOf(name, shape)), rotatedStream(shape), loraPerExecution(shape)];
}

/** The model of one variant. */
export function modelOf(name: string, { heads, kvHeads, headDim, context, sets }: HeadShape = usualHeads): Graph {
  const { t, d, r, vocab } = dsl.dims({ t: context, d: 32, r: 4, vocab: 50 });
  const q = { name: 'q', size: heads * headDim };
  const kv = { name: 'kv', size: kvHeads * headDim };
  const modules: Modules = {
    q: () => linear!(d, q),
    k: () => linear!(d, kv, { bias: true }),
    v: () => linear!(d, kv),
    qa: () => linear!(d, r),
    qb: () => linear!(r, q),
    ka: () => linear!(d, r),
    kb: () => linear!(r, kv),
    va: () => linear!(d, r),
    vb: () => linear!(r, kv),
    qNorm: () => rmsNorm!(q),
    kNorm: () => rmsNorm!(kv),
    qHeads: () => headNorm!(q, { heads }),
    kHeads: () => headNorm!(kv, { heads: kvHeads, eps: 1e-3 }),
    norm: () => rmsNorm!(d),
    o: () => linear!(q, d),
  };
  const [used, make] = (ways[name] ?? withOptions[name])!;
  const turn = (heads: number) => (x: Value) => rotate!(x, dsl.rope(10_000), { heads });
  const layer = block!(
    [t, d],
    () => Object.fromEntries(['norm', ...used.split(' '), 'o'].map((name) => [name, modules[name]!()])),
    (w: Record<string, Layer>, x: Value) =>
      residual!(x, (x: Value) => {
        const n = w.norm!(x);
        const attended = make({
          of: (module, x = n) => w[module]!(x),
          turnQ: turn(heads),
          turnK: turn(kvHeads),
          attend: (q, k, v, how = {}) => attention!(q, cache!(k, v, { kvHeads }), how),
          cached: (k, v) => cache!(k, v, { kvHeads }),
          read: (q, kv, how = {}) => attention!(q, kv, how),
        });
        return w.o!(attended);
      }),
  );
  return whole(name, sets, { t, d, vocab }, layer);
}

/**
 * Everything in one model, and shared: one set of projections for all executions, each with its own
 * LoRA on q, k and v, norms per head before RoPE, and scaled queries after it.
 */
export function loraPerExecution({ heads, kvHeads, headDim, context, sets }: HeadShape): Graph {
  const { t, d, r, vocab } = dsl.dims({ t: context, d: 32, r: 4, vocab: 50 });
  const widths = {
    q: { name: 'q', size: heads * headDim },
    k: { name: 'kv', size: kvHeads * headDim },
    v: { name: 'kv', size: kvHeads * headDim },
  };
  const each = ['q', 'k', 'v'] as const;
  const shared = Object.fromEntries([
    ...each.map((which) => [which, linear!(d, widths[which])]),
    ['o', linear!(widths.q, d)],
    ['qNorm', headNorm!(widths.q, { heads })],
    ['kNorm', headNorm!(widths.k, { heads: kvHeads })],
  ]);
  const layer = block!(
    [t, d],
    () => ({
      norm: rmsNorm!(d),
      ...shared,
      ...Object.fromEntries(
        each.flatMap((which) => [
          [`${which}a`, linear!(d, r)],
          [`${which}b`, linear!(r, widths[which])],
        ]),
      ),
    }),
    (w: Record<string, Layer>, x: Value) =>
      residual!(x, (x: Value) => {
        const n = w.norm!(x);
        const [q, k, v] = each.map((which) => add!(w[which]!(n), scale!(w[`${which}b`]!(w[`${which}a`]!(n)), 0.5)));
        const turned = rotate!(w.qNorm!(q), dsl.rope(10_000), { heads });
        const keys = rotate!(w.kNorm!(k), dsl.rope(10_000), { heads: kvHeads });
        return w.o!(attention!(scale!(turned, 1.5), cache!(keys, v, { kvHeads })));
      }),
  );
  return whole('lora-per-execution', sets, { t, d, vocab }, layer);
}

/**
 * Rotation of the residual stream, whose result goes to a norm and to a sum; a norm after the head
 * gives the logits.
 */
function rotatedStream({ headDim, context, sets }: HeadShape): Graph {
  const { t, d, vocab } = dsl.dims({ t: context, d: 4 * headDim, vocab: 50 });
  const layer = block!(
    [t, d],
    () => ({ norm: rmsNorm!(d), a: linear!(d, d) }),
    (w: Record<string, Layer>, x: Value) => {
      const turned = rotate!(x, dsl.rope(100), { heads: 4 });
      return add!(turned, w.a!(w.norm!(turned)));
    },
  );
  return whole('rotated-stream', sets, { t, d, vocab }, layer, true);
}

/** A model around blocks, each run twice in a row. */
function whole(
  name: string,
  sets: number,
  { t, d, vocab }: Readonly<Record<'t' | 'd' | 'vocab', { readonly name: string; readonly size: number }>>,
  layer: unknown,
  isNormed = false,
): Graph {
  return defineModel!(
    name,
    {},
    () => ({
      embed: embedding!(vocab, d),
      layers: stack!(sets, layer, dsl.share.immediate(2)),
      norm: rmsNorm!(d),
      ...(isNormed ? { last: rmsNorm!(vocab) } : {}),
    }),
    (m: Record<string, Layer> & { embed: Layer & { logits: Layer } }) => {
      const logits = m.embed.logits(m.norm!(m.layers!(m.embed(dsl.input(t)))));
      return isNormed ? m.last!(logits) : logits;
    },
  ) as unknown as Graph;
}

/** The graph with every rotation changed to one of adjacent features. */
export function adjacent(graph: Graph): Graph {
  const kinds = graph.kinds.map((kind) => ({
    ...kind,
    body: {
      ...kind.body,
      nodes: kind.body.nodes.map((node) =>
        node.op.kind === 'rope'
          ? { ...node, op: { ...node.op, rope: { ...node.op.rope, pairing: 'adjacent' as const } } }
          : node,
      ),
    },
  }));
  return { ...graph, name: `${graph.name}-adjacent`, kinds };
}
