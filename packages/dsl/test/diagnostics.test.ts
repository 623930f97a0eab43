/**
 * Run-time errors of the DSL, for mistakes that types cannot express and for authors who do not run
 * `tsc`: code, sentence, place, line and remedy. `loose` removes the types.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { expect, test } from 'vitest';
import {
  add,
  attention as attend,
  block,
  cache,
  causalConv,
  defineModel,
  dims,
  embedding,
  gqa,
  headNorm,
  input,
  type KvSharing,
  layerNorm,
  linear,
  mobileLLM,
  type RopeSpec,
  residual,
  rmsNorm,
  rope,
  ropeScaling,
  rotate,
  scale,
  share,
  split,
  stack,
  swiglu,
  type Tensor,
  type Tree,
} from '../src/index.ts';

const { t, d, ff, vocab } = dims({ t: 16, d: 8, ff: 12, vocab: 20 });
const other = dims({ t: 32, d: 4 });
type Loose = (...args: readonly unknown[]) => Tensor;
const loose = (f: unknown): Loose => f as Loose;

/** A model around one block. */
const around = (init: () => Tree, body: (w: never, x: Tensor) => unknown, sharing = share.immediate(1), count = 2) => {
  const layer = loose(block)([t, d], init, body) as unknown as ReturnType<typeof block>;
  return defineModel(
    'm',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(count, layer, sharing) }),
    (m) => m.embed.logits(loose(m.layers)(m.embed(input(t)))),
  );
};
const attention = (heads: number, kvHeads: number, headDim: number, turn: number | RopeSpec = 10_000) =>
  around(
    () => ({
      self_attn: gqa(d, { heads, kvHeads, headDim, rope: typeof turn === 'number' ? rope(turn) : turn }),
    }),
    (w: { self_attn: Loose }, x) => residual(x, (x) => w.self_attn(x)),
  );
/** A block that makes q, k and v and attends as `body` says. */
const written = (body: (q: Tensor, k: Tensor, v: Tensor) => unknown) => {
  const [q, kv] = [
    { name: 'q', size: 12 },
    { name: 'kv', size: 8 },
  ];
  return around(
    () => ({ q: linear(d, q), k: linear(d, kv), v: linear(d, kv), o: linear(q, d) }),
    (w: Record<'q' | 'k' | 'v' | 'o', Loose>, x) => w.o(body(w.q(x), w.k(x), w.v(x))),
  );
};
const attention2 = (kvHeads: number) =>
  block(
    [t, d],
    () => ({ self_attn: gqa(d, { heads: 2, kvHeads, headDim: 4 }) }),
    (w, x) => residual(x, (x) => w.self_attn(x)),
  );
const norms = block(
  [t, d],
  () => ({ norm: rmsNorm(d) }),
  (w, x) => residual(x, (x) => w.norm(x)),
);
const convolved = block(
  [t, d],
  () => ({ self_attn: gqa(d, { heads: 2, kvHeads: 1, headDim: 4 }), conv: causalConv(d, 3) }),
  (w, x) =>
    residual(
      residual(x, (x) => w.self_attn(x)),
      (x) => w.conv(x),
    ),
);
/** A stack whose executions read the keys and values of others. */
const reading = (kv: KvSharing, blocks?: readonly (typeof norms)[], sharing = share.none()) => {
  const all = blocks ?? Array.from(kv as readonly number[], () => attention2(1));
  const count = kv === 'perSet' ? all.length : Math.max(2, kv.length);
  return defineModel(
    'm',
    {},
    () => ({
      embed: embedding(vocab, d),
      layers: stack(count, (i) => all[i] ?? attention2(1), sharing, { kv }),
    }),
    (m) => m.embed.logits(m.layers(m.embed(input(t)))),
  );
};
const model = (init: () => Tree, body: (m: never) => unknown) => loose(defineModel)('m', {}, init, body);

/** A sound block. */
const plain = block(
  [t, d],
  () => ({ norm: rmsNorm(d) }),
  (w, x) => residual(x, w.norm),
);
/** A model around a block on `axes` whose layers take d. */
const on = (axes: readonly unknown[]) => {
  const layer = loose(block)(
    axes,
    () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
    (w: { norm: Loose; mlp: Loose }, x: Tensor) => w.mlp(w.norm(x)),
  );
  return model(
    () => ({ layers: loose(stack)(1, layer) as unknown as Tree }),
    () => input(t),
  );
};

/**
 * The message, with this file, line and column as `HERE`, and those of a call to mend as `THERE`,
 * so that tests survive edits; asserts that the place is in this file.
 */
function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof LamellaError)) throw error;
    expect(error.site?.file).toBe('packages/dsl/test/diagnostics.test.ts');
    expect(error.site?.line).toBeGreaterThan(25);
    return error.message
      .replace(/,?( at \S+)? \(packages\S+\)/, '$1 HERE')
      .replace(/ at packages\S+:\d+:\d+$/, ' THERE');
  }
  throw new Error('nothing was thrown');
}

const cases: Readonly<Record<string, readonly [() => unknown, string]>> = {
  'L101 wrong axis': [
    () =>
      around(
        () => ({ mlp: swiglu(ff, d) }),
        (w: { mlp: Loose }, x) => w.mlp(x),
      ),
    'L101 axis d=8 does not fit: expected ff=12 at layers.mlp HERE. Try swiglu(d, ff) THERE',
  ],
  'L101 a norm of another axis': [
    () =>
      around(
        () => ({ norm: rmsNorm(ff), mlp: swiglu(d, ff) }),
        (w: { norm: Loose; mlp: Loose }, x) => w.mlp(w.norm(x)),
      ),
    'L101 axis d=8 does not fit: expected ff=12 at layers.norm HERE. Try rmsNorm(d) THERE',
  ],
  'L101 attention on another axis': [
    () =>
      around(
        () => ({ attn: gqa(ff, { heads: 1, kvHeads: 1, headDim: 8 }), mlp: swiglu(d, ff) }),
        (w: { attn: Loose; mlp: Loose }, x) => w.mlp(w.attn(x)),
      ),
    'L101 axis d=8 does not fit: expected ff=12 at layers.attn HERE. Try gqa(d, ...) THERE',
  ],
  'L101 a norm of the vocabulary': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), norm: rmsNorm(vocab) }),
        (m: { embed: Loose; norm: Loose }) => m.norm(m.embed(input(t))),
      ),
    'L101 axis d=8 does not fit: expected vocab=20 at norm HERE. Try rmsNorm(d) THERE',
  ],
  'L101 a head the wrong way round': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), head: linear(vocab, d) }),
        (m: { embed: Loose; head: Loose }) => m.head(m.embed(input(t))),
      ),
    'L101 axis d=8 does not fit: expected vocab=20 at head HERE. Try linear(d, vocab) THERE',
  ],
  'L101 a head over a table of another width': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), head: embedding(vocab, ff) }),
        (m: { embed: Loose; head: { logits: Loose } }) => m.head.logits(m.embed(input(t))),
      ),
    'L101 axis d=8 does not fit: expected ff=12 at head HERE. Try embedding(vocab, d) THERE',
  ],
  'L101 a table the wrong way round': [
    () =>
      model(
        () => ({ embed: embedding(d, vocab), norm: rmsNorm(d) }),
        (m: { embed: Loose; norm: Loose }) => m.norm(scale(m.embed(input(t)), 2)),
      ),
    'L101 axis vocab=20 does not fit: expected d=8 at norm HERE. Try embedding(vocab, d) THERE',
  ],
  'L101 an input that is not the tokens': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), layers: stack(1, plain) }),
        (m: { embed: Loose; layers: Loose }) => m.layers(m.embed(input(d))),
      ),
    'L101 axis d=8 does not fit: expected t=16 at layers HERE. Try input(t) THERE',
  ],
  'L101 a block whose tokens are features': [
    () => {
      const layer = loose(block)(
        [d, d],
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x: Tensor) => w.norm(x),
      );
      return model(
        () => ({ embed: embedding(vocab, d), layers: loose(stack)(1, layer) as unknown as Tree }),
        (m: { embed: Loose; layers: Loose }) => m.layers(m.embed(input(t))),
      );
    },
    'L101 axis t=16 does not fit: expected d=8 at layers HERE. Try block([t, d], ...) THERE',
  ],
  'L101 a block on another axis': [
    () => on([t, ff]),
    'L101 axis ff=12 does not fit: expected d=8 at layers.norm HERE. Try block([t, d], ...) THERE',
  ],
  'L101 a block on its axes in another order': [
    () => on([d, t]),
    'L101 axis t=16 does not fit: expected d=8 at layers.norm HERE. Try block([t, d], ...) THERE',
  ],
  'L101 a norm of the tokens': [
    () =>
      around(
        () => ({ norm: rmsNorm(t), mlp: swiglu(d, ff) }),
        (w: { norm: Loose; mlp: Loose }, x) => w.mlp(w.norm(x)),
      ),
    'L101 axis d=8 does not fit: expected t=16 at layers.norm HERE. Try rmsNorm(d) THERE',
  ],
  'L101 a layer left out': [
    () =>
      around(
        () => ({ up: linear(d, ff), down: linear(ff, d) }),
        (w: { down: Loose }, x) => w.down(x),
      ),
    'L101 axis d=8 does not fit: expected ff=12 at layers.down HERE. Try up in between',
  ],
  'L101 a layer of the right width behind one that changes it': [
    () =>
      around(
        () => ({ up: linear(d, ff), mlp: swiglu(d, ff) }),
        (w: { up: Loose; mlp: Loose }, x) => w.mlp(w.up(x)),
      ),
    'L101 axis ff=12 does not fit: expected d=8 at layers.mlp HERE. Try linear(ff, d) in between',
  ],
  'L101 same name, another size': [
    () =>
      around(
        () => ({ norm: rmsNorm(other.d) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L101 axis d=8 does not fit: expected d=4 at layers.norm HERE. Try one size for d: 8 or 4',
  ],
  'L101 residual': [
    () =>
      around(
        () => ({ up: linear(d, ff) }),
        (w: { up: Loose }, x) => loose(residual)(x, w.up),
      ),
    'L101 axis ff=12 does not fit: expected d=8 at layers HERE. Try linear(ff, d) in between',
  ],
  'L101 ids into a layer': [
    () =>
      model(
        () => ({ norm: rmsNorm(d) }),
        (m: { norm: Loose }) => m.norm(input(t)),
      ),
    'L101 axis t=16 does not fit: expected [t, d=8] at norm HERE. Try embedding the token ids first',
  ],
  'L101 embedded twice': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d) }),
        (m: { embed: Loose }) => m.embed(m.embed(input(t))),
      ),
    'L101 axis d=8 does not fit: expected token ids [t] at embed HERE. Try input(t)',
  ],
  'L101 a second token axis': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d) }),
        (m: { embed: Loose }) => [m.embed(input(t)), input(other.t)],
      ),
    'L101 axis t=32 does not fit: expected t=16 HERE. Try input(t) everywhere',
  ],
  'L101 blocks of different widths in one stack': [
    () => {
      const of = (axis: typeof d) =>
        block(
          [t, axis],
          () => ({ norm: rmsNorm(axis) }),
          (w, x) => residual(x, w.norm),
        );
      const mixed = (i: number) => of(i === 0 ? d : (other.d as unknown as typeof d));
      return model(
        () => ({ layers: stack(2, mixed) }),
        () => input(t),
      );
    },
    'L101 axis [t=16, d=4] does not fit: expected [t=16, d=8] at layers HERE. Try blocks of the same axes in one stack',
  ],
  'L102 dims': [
    () => dims({ t: 16, d: 2.5 }),
    'L102 sizes must be positive integers: d is 2.5 at dims HERE. Try a whole number of at least 1',
  ],
  'L102 heads': [
    () => attention(0, 1, 8),
    'L102 sizes must be positive integers: heads is 0 at layers.self_attn HERE. Try a whole number of at least 1',
  ],
  'L102 kvHeads': [
    () => attention(2, -1, 8),
    'L102 sizes must be positive integers: kvHeads is -1 at layers.self_attn HERE. Try a whole number of at least 1',
  ],
  'L124 heads of a preset': [
    () => mobileLLM({ name: 'm', layers: 1, d: 10, heads: 4, kvHeads: 2, ffn: 8 }),
    'L124 mobileLLM takes a number as heads with an even d / heads (d=10), not 4 HERE. Try heads: 1',
  ],
  L103: [
    () => attention(1, 1, 5),
    'L103 headDim must be even for RoPE: 5 at layers.self_attn HERE. Try headDim: 6, or leave rope out',
  ],
  L104: [() => attention(9, 4, 8), 'L104 kvHeads must divide heads: 9 / 4 at layers.self_attn HERE. Try kvHeads: 3'],
  'L104 more KV heads than heads': [
    () => attention(2, 3, 4),
    'L104 kvHeads must divide heads: 2 / 3 at layers.self_attn HERE. Try kvHeads: 2',
  ],
  'L101 queries of half a head': [
    () => written((q, k, v) => attend(q, cache(k, v, { kvHeads: 1 }))),
    'L101 axis q=12 does not fit: expected a multiple of headDim 8 at layers HERE. Try queries of whole heads',
  ],
  'L101 keys and values of different widths': [
    () => written((q, k) => loose(attend)(q, loose(cache)(k, q, { kvHeads: 2 }))),
    'L101 axis q=12 does not fit: expected kv=8 at layers HERE. Try linear(q, kv) in between',
  ],
  'L104 heads that do not divide': [
    () => written((q, k, v) => attend(q, cache(k, v, { kvHeads: 2 }))),
    'L104 kvHeads must divide heads: 3 / 2 at layers HERE. Try kvHeads: 1',
  ],
  'L124 heads of a cache': [
    () => written((q, k, v) => attend(q, cache(k, v, { kvHeads: 3 }))),
    'L124 cache takes a divisor of kv=8 as kvHeads, not 3 at layers HERE. Try kvHeads: 2',
  ],
  'L124 heads of a rotation': [
    () => written((q, k, v) => attend(rotate(q, rope(10_000), { heads: 5 }), cache(k, v, { kvHeads: 2 }))),
    'L124 rotate takes a divisor of q=12 as heads, not 5 at layers HERE. Try heads: 4',
  ],
  'L102 window': [
    () => written((q, k, v) => attend(q, cache(k, v, { kvHeads: 2 }), { window: 0 })),
    'L102 sizes must be positive integers: window is 0 at layers HERE. Try a whole number of at least 1',
  ],
  'L150 softcap': [
    () => written((q, k, v) => attend(q, cache(k, v, { kvHeads: 2 }), { softcap: 0 })),
    'L150 softcap must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 0 at layers HERE. Try softcap: 50',
  ],
  'L150 scale of gqa': [
    () =>
      around(
        () => ({ self_attn: gqa(d, { heads: 2, kvHeads: 1, headDim: 4, scale: -1 }) }),
        (w: { self_attn: Loose }, x) => residual(x, (x) => w.self_attn(x)),
      ),
    'L150 scale must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: -1 at layers.self_attn HERE. Try scale: 0.125',
  ],
  'L151 a list of another length': [
    () => reading([0]),
    'L151 execution 1 cannot read the keys and values of another: the list has 1 numbers at layers HERE. Try one number for each of 2 executions: its own index, or that of an earlier one',
  ],
  'L151 a later execution': [
    () => reading([1, 1]),
    'L151 execution 0 cannot read the keys and values of another: 1 is not an earlier execution at layers HERE. Try one number for each of 2 executions: its own index, or that of an earlier one',
  ],
  'L151 one that reads itself': [
    () => reading([0, 0, 1]),
    'L151 execution 2 cannot read the keys and values of another: execution 1 itself reads those of execution 0 at layers HERE. Try one number for each of 3 executions: its own index, or that of an earlier one',
  ],
  'L151 other heads': [
    () => reading([0, 0], [attention2(1), attention2(2)]),
    'L151 execution 1 cannot read the keys and values of another: it has 2 key heads of 4 features, and 1 of 4 are kept at layers HERE. Try an execution with the same key heads, or its own index',
  ],
  'L151 no attention': [
    () => reading([0, 0], [attention2(1), norms]),
    'L151 execution 1 cannot read the keys and values of another: it has no attention at layers HERE. Try an execution with the same key heads, or its own index',
  ],
  'L151 a convolution': [
    () => reading('perSet', [convolved], share.immediate(2)),
    'L151 execution 1 cannot read the keys and values of another: it has a convolution, whose state is its own at layers HERE. Try an execution with the same key heads, or its own index',
  ],
  L105: [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(x),
        share.reverse(),
        0,
      ),
    'L105 a stack needs a whole number of weight sets, at least 1: 0 at layers HERE. Try stack(1, block)',
  ],
  'L105 half a weight set': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(x),
        share.reverse(),
        4.5,
      ),
    'L105 a stack needs a whole number of weight sets, at least 1: 4.5 at layers HERE. Try stack(4, block)',
  ],
  L106: [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(x),
        share.order([0, 2, 1]),
      ),
    'L106 a sharing order names weight set 2, but the stack has 2 at layers HERE. Try indices from 0 to 1',
  ],
  L107: [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(x),
        share.order([1, 1]),
      ),
    'L107 weight set 0 of the stack never runs in this order at layers HERE. Try an order with every index at least once',
  ],
  L108: [
    () =>
      around(
        () => ({ up: linear(d, ff) }),
        (w: { up: Loose }, x) => w.up(x),
      ),
    'L108 a block must return the axes it takes: it takes [t=16, d=8] and returns [t=16, ff=12] at layers HERE. Try ending with residual(...) or a linear back to [t=16, d=8]',
  ],
  'L108 a forgotten return': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => void w.norm(x),
      ),
    'L108 a block must return the axes it takes: it takes [t=16, d=8] and returns nothing at layers HERE. Try a return in the body: return residual(...)',
  ],
  L109: [
    () =>
      model(
        () => ({ embed: embedding(vocab, d) }),
        (m: { embed: Loose }) => m.embed(input(t)),
      ),
    'L109 a model must return logits over its vocabulary: [t=16, d=8] was returned at m HERE. Try embedding.logits(x), or a linear to the vocabulary axis',
  ],
  'L109 a forgotten return': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d) }),
        (m: { embed: Loose }) => void m.embed(input(t)),
      ),
    'L109 a model must return logits over its vocabulary: nothing was returned at m HERE. Try a return in the body: return embedding.logits(x)',
  ],
  'L110 a value that escaped from another block': [
    () => {
      let escaped: Tensor | null = null;
      return around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => {
          escaped ??= x;
          return loose(residual)(x, () => w.norm(escaped));
        },
      );
    },
    "L110 this value belongs to another block or another model at layers.norm HERE. Try passing it in as the block's input",
  ],
  'L110 outside of any body': [
    () => input(t),
    "L110 this value belongs to another block or another model HERE. Try passing it in as the block's input",
  ],
  'L111 immediate': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(x),
        share.immediate(0),
      ),
    'L111 repeat counts must be whole numbers of at least 1: 0 at layers HERE. Try share.immediate(2)',
  ],
  'L111 cycle': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(x),
        share.cycle(1.5),
      ),
    'L111 repeat counts must be whole numbers of at least 1: 1.5 at layers HERE. Try share.cycle(2)',
  ],
  L114: [
    () =>
      model(
        () => ({ a: { b: linear(d, d) }, 'a.b': linear(d, d) }),
        () => input(t),
      ),
    'L114 the name a.b.weight is used by two different tensors at a.b.weight HERE. Try another key for one of the modules',
  ],
  'L116 input in a block': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        () => input(t),
      ),
    "L116 input cannot be compiled here: a block takes values, not token ids at layers HERE. Try input(t) in the model's body",
  ],
  'L116 attention in the root': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), attn: gqa(d, { heads: 1, kvHeads: 1, headDim: 8 }) }),
        (m: { embed: Loose; attn: Loose }) => m.attn(m.embed(input(t))),
      ),
    "L116 attention cannot be compiled here: a model's own body keeps no state at attn HERE. Try a block, and stack(1, block)",
  ],
  'L116 a stack in a block': [
    () => {
      const inner = block(
        [t, d],
        () => ({ norm: rmsNorm(d) }),
        (w, x) => residual(x, w.norm),
      );
      return around(
        () => ({ inner: stack(1, inner) }),
        (w: { inner: Loose }, x) => w.inner(x),
      );
    },
    "L116 stack cannot be compiled here: a block cannot hold a stack at layers.inner HERE. Try both stacks in the model's own init",
  ],
  L117: [
    () =>
      around(
        () => ({ norm: rmsNorm(d, { eps: 0 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 0 at layers.norm HERE. Try 1e-5',
  ],
  'L117 of a norm of heads': [
    () =>
      around(
        () => ({ norm: headNorm(d, { heads: 2, eps: -1 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: -1 at layers.norm HERE. Try 1e-5',
  ],
  'L124 heads of a norm': [
    () =>
      around(
        () => ({ norm: headNorm(d, { heads: 3 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L124 headNorm takes a divisor of d=8 as heads, not 3 at layers.norm HERE. Try heads: 2',
  ],
  L140: [
    () => attention(1, 1, 8, rope(500, { dims: 10 })),
    'L140 RoPE rotates an even number of features, from 2 to headDim: dims 10, headDim 8 at layers.self_attn HERE. Try dims: 8',
  ],
  L141: [
    () => attention(1, 1, 8, rope(500, { scaling: ropeScaling.factors([1, 2]) })),
    'L141 factors of the RoPE scaling factors must be a list of 4, one for each pair: 2 of them at layers.self_attn HERE. Try 4 factors',
  ],
  'L116 a convolution outside of a block': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), conv: causalConv(d, 3) }) as unknown as Tree,
        (m: { embed: Loose & { logits: Loose }; conv: Loose }) => m.embed.logits(m.conv(m.embed(input(t)))),
      ),
    "L116 causalConv cannot be compiled here: a model's own body keeps no state at conv HERE. Try a block, and stack(1, block)",
  ],
  'L102 taps of a convolution': [
    () =>
      around(
        () => ({ conv: causalConv(d, 2.5) }),
        (w: { conv: Loose }, x) => w.conv(x),
      ),
    'L102 sizes must be positive integers: taps is 2.5 at layers.conv HERE. Try a whole number of at least 1',
  ],
  L142: [
    () =>
      around(
        () => ({ norm: rmsNorm(d, { offset: 1e39 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L142 an offset must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: 1e+39 at layers.norm HERE. Try offset: 1',
  ],
  'L117 of a layerNorm': [
    () =>
      around(
        () => ({ norm: layerNorm(d, { eps: 0 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 0 at layers.norm HERE. Try 1e-5',
  ],
  'L124 groups that do not divide a part': [
    () =>
      around(
        () => ({ both: split(d, { q: d, k: d }, { groups: 3 }) }),
        (w: { both: (x: Tensor) => { q: Tensor; k: Tensor } }, x) => loose(add)(w.both(x).q, w.both(x).k),
      ),
    'L124 split takes a divisor of q=8 as groups, not 3 at layers.both HERE. Try groups: 2',
  ],
  L118: [
    () => attention(1, 1, 8, -1),
    'L118 theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: -1 at layers.self_attn HERE. Try rope(10_000)',
  ],
  'L119 a block without stack': [
    () => {
      const layer = block(
        [t, d],
        () => ({ norm: rmsNorm(d) }),
        (w, x) => residual(x, w.norm),
      );
      return model(
        () => ({ layers: layer }) as unknown as Tree,
        () => input(t),
      );
    },
    'L119 layers is not a module but a Block HERE. Try linear, rmsNorm, gqa, swiglu, embedding or stack(count, block)',
  ],
  'L119 a layer that was not made': [
    () =>
      model(
        () => ({ norm: rmsNorm }) as unknown as Tree,
        () => input(t),
      ),
    'L119 norm is not a module but a function HERE. Try what it returns, as in rmsNorm(d)',
  ],
  'L119 a list': [
    () =>
      model(
        () => ({ norms: [rmsNorm(d)] }) as unknown as Tree,
        () => input(t),
      ),
    'L119 norms is not a module but a list HERE. Try an object of modules, whose keys are their names',
  ],
  'L119 nothing under a key, inside a block': [
    () =>
      around(
        () => ({ norm: undefined }) as unknown as Tree,
        (_w: never, x) => x,
      ),
    'L119 layers.norm is not a module but undefined HERE. Try linear, rmsNorm, gqa, swiglu, embedding or stack(count, block)',
  ],
  L120: [
    () => {
      const stray = loose(rmsNorm(d));
      return around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => w.norm(stray(x)),
      );
    },
    'L120 this rmsNorm was not returned by init at layers HERE. Try returning it from init under its checkpoint name',
  ],
  L121: [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => scale(w.norm(x), 1 / 0),
      ),
    'L121 a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: Infinity at layers HERE. Try scale(x, 0.5)',
  ],
  'L117, more than f32 holds': [
    () =>
      around(
        () => ({ norm: rmsNorm(d, { eps: 4e38 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 4e+38 at layers.norm HERE. Try 1e-5',
  ],
  'L118, more than f32 holds': [
    () => attention(1, 1, 8, 4e38),
    'L118 theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 4e+38 at layers.self_attn HERE. Try rope(10_000)',
  ],
  'L121, more than f32 holds': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => scale(w.norm(x), -4e38),
      ),
    'L121 a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: -4e+38 at layers HERE. Try scale(x, 0.5)',
  ],
  'L117, less than f32 holds': [
    () =>
      around(
        () => ({ norm: rmsNorm(d, { eps: 1e-60 }) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 1e-60 at layers.norm HERE. Try 1e-5',
  ],
  'L118, less than f32 holds': [
    () => attention(1, 1, 8, 1e-60),
    'L118 theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 1e-60 at layers.self_attn HERE. Try rope(10_000)',
  ],
  'L121, less than f32 holds': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: Loose }, x) => scale(w.norm(x), -1e-60),
      ),
    'L121 a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: -1e-60 at layers HERE. Try scale(x, 0.5)',
  ],
  'L122 a stack that never runs': [
    () => {
      const layer = block(
        [t, d],
        () => ({ norm: rmsNorm(d) }),
        (w, x) => residual(x, w.norm),
      );
      return model(
        () => ({ embed: embedding(vocab, d), layers: stack(2, layer) }),
        (m: { embed: Loose & { logits: Loose } }) => m.embed.logits(m.embed(input(t))),
      );
    },
    'L122 layers is never used HERE. Try using its module in the body, or leaving it out of init',
  ],
  L122: [
    () =>
      around(
        () => ({ norm: rmsNorm(d), spare: linear(d, ff) }),
        (w: { norm: Loose }, x) => w.norm(x),
      ),
    'L122 layers.0.spare.weight is never used HERE. Try using its module in the body, or leaving it out of init',
  ],
  'L131 a slip': [
    () =>
      around(
        () => ({ input_layernorm: rmsNorm(d), mlp: { up: linear(d, d) } }),
        (w: { input_layer_norm: Loose }, x) => w.input_layer_norm(x),
      ),
    'L131 init returned nothing named input_layer_norm at layers HERE. Try input_layernorm',
  ],
  'L131 a slip that would be undefined': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { nrom: Tensor }, x) => w.nrom ?? x,
      ),
    'L131 init returned nothing named nrom at layers HERE. Try norm',
  ],
  'L131 deeper': [
    () =>
      around(
        () => ({ norm: rmsNorm(d), mlp: { up_proj: linear(d, d), down_proj: linear(d, d) } }),
        (w: { mlp: { gate: Loose } }, x) => w.mlp.gate(x),
      ),
    'L131 init returned nothing named mlp.gate at layers HERE. Try mlp.up_proj, mlp.down_proj',
  ],
  'L131 dims': [
    () => loose(linear)(d, (dims({ d: 8, ff: 12 }) as unknown as { f: typeof ff }).f),
    'L131 dims was given nothing named f HERE. Try d, ff',
  ],
  'L132 a sum in JavaScript': [
    () =>
      around(
        () => ({ norm: rmsNorm(d) }),
        (w: { norm: (x: Tensor) => never }, x) => (x as never) + w.norm(x),
      ),
    "L132 JavaScript's operators do not work on values of the model at layers HERE. Try add(a, b), mul(a, b), scale(x, 2) and so on",
  ],
  'L131 in a model': [
    () =>
      model(
        () => ({ embed: embedding(vocab, d), norm: rmsNorm(d) }),
        (m: { head: Loose }) => m.head(input(t)),
      ),
    'L131 init returned nothing named head HERE. Try embed, norm',
  ],
};

test.each(Object.entries(cases))('%s', (_name, [run, expected]) => {
  expect(message(run)).toBe(expected);
});

test('the call to mend is named with its place', () => {
  const { stack: trace = '' } = new Error();
  const line = Number(/diagnostics\.test\.ts:(\d+)/.exec(trace)?.[1]);
  const wrong = () =>
    around(
      () => ({ mlp: swiglu(ff, d) }),
      (w: { mlp: Loose }, x) => w.mlp(x),
    );
  expect(wrong).toThrow(
    `diagnostics.test.ts:${line + 5}:35). Try swiglu(d, ff) at packages/dsl/test/diagnostics.test.ts:${line + 4}:21`,
  );
});

test('a tree is read once, so that a getter that makes a module makes one, and may be printed', () => {
  const { weights } = around(
    () => ({
      get norm() {
        return rmsNorm(d);
      },
    }),
    (w: { norm: Loose }, x) => {
      expect(Object.keys(JSON.parse(JSON.stringify(w)))).toEqual([]);
      return residual(w.norm(x), w.norm);
    },
  );
  expect(weights.map(({ name }) => name)).toEqual(['embed.weight', 'layers.0.norm.weight', 'layers.1.norm.weight']);
});

test('a body that returns nothing is met at its own last call, one that returns another axis where that was made', () => {
  const here = () =>
    Number(/diagnostics\.test\.ts:(\d+):\d+\)\n.*diagnostics\.test\.ts:(\d+)/.exec(new Error().stack!)?.[2]);
  let line = 0;
  const placeOf = (body: (up: Loose, x: Tensor) => unknown) => {
    const run = () =>
      around(
        () => ({ up: linear(d, ff) }),
        (w: { up: Loose }, x) => body(w.up, x),
      );
    expect(message(run)).toMatch(/^L108 /);
    expect(run).toThrow(`diagnostics.test.ts:${line}:`);
  };
  placeOf((up, x) => {
    line = here() + 1;
    up(x);
  });
  placeOf((up, x) => {
    line = here() + 1;
    const wide = up(x);
    scale(wide, 2);
    return wide;
  });
});

test("the place is the author's own call: line and column", () => {
  const { stack: trace = '' } = new Error();
  const line = Number(/diagnostics\.test\.ts:(\d+)/.exec(trace)?.[1]);
  try {
    dims({ d: -8 });
  } catch (error) {
    expect((error as LamellaError).site).toEqual({
      file: 'packages/dsl/test/diagnostics.test.ts',
      line: line + 3,
      column: 5,
    });
  }
  expect.assertions(1);
});
