/**
 * Models whose executions read the keys and values of earlier ones: per weight set, by a list,
 * between blocks of different kinds.
 */
import {
  type AttentionOptions,
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  type KvSharing,
  linear,
  loop,
  residual,
  rmsNorm,
  rope,
  rotate,
  type Sharing,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

interface Made {
  readonly kv: KvSharing;
  readonly sharing?: Sharing;
  readonly headDim?: number;
  readonly context?: number;
  /** How often the whole stack runs, with a norm behind each run. */
  readonly runs?: number;
  /**
   * By weight set: options of its attention, `plain` for one that does not rotate, `one` for K = V,
   * null for a block without attention.
   */
  readonly blocks: readonly (AttentionOptions | 'plain' | 'one' | null)[];
}

function made(name: string, { kv, sharing = share.none(), headDim = 8, context = 40, runs = 1, blocks }: Made): Graph {
  const { t, d, ff, q, k, vocab } = dims({ t: context, d: 24, ff: 16, q: 4 * headDim, k: 2 * headDim, vocab: 40 });
  const turn = rope(500);
  const layers = blocks.map((kind) => {
    if (kind === null)
      return block(
        [t, d],
        () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
        (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
      );
    if (kind === 'one')
      return block(
        [t, d],
        () => ({ norm: rmsNorm(d), q: linear(d, q), k: linear(d, k), o: linear(q, d) }),
        (w, x) =>
          residual(x, (x) => {
            const n = w.norm(x);
            const both = rotate(w.k(n), turn, { heads: 2 });
            return w.o(attention(rotate(w.q(n), turn, { heads: 4 }), cache(both, both, { kvHeads: 2 })));
          }),
      );
    const how = kind === 'plain' ? {} : { rope: turn, ...kind };
    return block(
      [t, d],
      () => ({ norm: rmsNorm(d), attn: gqa(d, { heads: 4, kvHeads: 2, headDim, ...how }), mlp: swiglu(d, ff) }),
      (w, x) =>
        residual(
          residual(x, (x) => w.attn(w.norm(x))),
          (x) => w.mlp(x),
        ),
    );
  });
  return defineModel(
    name,
    {},
    () => ({
      embed: embedding(vocab, d),
      layers: stack(layers.length, (i) => layers[i]!, sharing, { kv }),
      norm: rmsNorm(d),
    }),
    (m) => m.embed.logits(loop(runs, m.embed(input(t)), (x) => m.norm(m.layers(x)))),
  );
}

export const sharedStates: Readonly<Record<string, () => Graph>> = {
  'per set, immediate': () => made('per-set', { kv: 'perSet', sharing: share.immediate(2), blocks: [{}, {}] }),
  'per set, three times over': () => made('per-set', { kv: 'perSet', sharing: share.cycle(3), blocks: [{}, {}] }),
  'per set, forwards and backwards, padded heads': () =>
    made('per-set', { kv: 'perSet', sharing: share.reverse(), headDim: 6, blocks: [{}, 'plain', {}] }),
  'per set, one tensor for both': () =>
    made('per-set', { kv: 'perSet', sharing: share.immediate(2), blocks: ['one', 'one'] }),
  'per set, in a loop': () => made('loop', { kv: 'perSet', runs: 3, blocks: [{}, { window: 6 }] }),
  'pairs of layers': () => made('pairs', { kv: [0, 0, 2, 2], blocks: [{}, {}, {}, {}] }),
  'queries that do not turn read keys that do, padded': () =>
    made('mixed', { kv: [0, 0, 0], headDim: 6, blocks: [{}, 'plain', { softcap: 2 }] }),
  'blocks without attention in between': () => made('between', { kv: [0, 1, 0, 3, 0], blocks: [{}, null, {}, {}, {}] }),
  'a window reads what another keeps': () =>
    made('windows', { kv: [0, 0, 2, 2], blocks: [{ window: 5 }, { window: 9 }, {}, { window: 3 }] }),
};

/** Rings that several executions read, in a context that is longer than they are. */
export const sharedRings: Readonly<Record<string, () => Graph>> = {
  'a ring, per set': () =>
    made('ring', { kv: 'perSet', sharing: share.immediate(2), context: 500, blocks: [{ window: 20 }, {}] }),
  'a ring as long as its farthest reader needs': () =>
    made('ring', { kv: [0, 0, 0], context: 500, blocks: [{ window: 5 }, { window: 70 }, { window: 30 }] }),
};
