/** What else llama.cpp's Llama can be, beside what the preset makes: biases, and rotation of neighbours. */
import {
  add,
  attention,
  block,
  defineModel,
  dims,
  embedding,
  input,
  linear,
  mul,
  rmsNorm,
  rope,
  rotate,
  silu,
  stack,
} from '@lamella/dsl';
import type { BlockKind, Graph } from '@lamella/graph/ir';

const { t, d, ff, kv, vocab } = dims({ t: 80, d: 64, ff: 96, kv: 32, vocab: 96 });
const heads = { heads: 4, kvHeads: 2, headDim: 16 };
const position = rope(500);

/** Every linear of the block has a bias, and the sums and products are written the other way round. */
const layer = block(
  [t, d],
  () => ({
    norm: rmsNorm(d, { eps: 1e-3 }),
    q: linear(d, d, { bias: true }),
    k: linear(d, kv, { bias: true }),
    v: linear(d, kv, { bias: true }),
    out: linear(d, d, { bias: true }),
    norm2: rmsNorm(d, { eps: 1e-3 }),
    gate: linear(d, ff, { bias: true }),
    up: linear(d, ff, { bias: true }),
    down: linear(ff, d, { bias: true }),
  }),
  (w, x) => {
    const n = w.norm(x);
    const [q, k] = [rotate(w.q(n), position, heads), rotate(w.k(n), position, { ...heads, heads: heads.kvHeads })];
    const h = add(w.out(attention(q, k, w.v(n), heads)), x);
    const m = w.norm2(h);
    return add(w.down(mul(w.up(m), silu(w.gate(m)))), h);
  },
);

export const biased: Graph = defineModel(
  'biased',
  {},
  () => ({
    embed: embedding(vocab, d),
    first: stack(1, layer),
    second: stack(2, layer),
    norm: rmsNorm(d, { eps: 1e-3 }),
  }),
  (m) => m.embed.logits(m.norm(m.second(m.first(m.embed(input(t)))))),
);

/** The same graph, rotating (2i, 2i + 1), which the authoring language does not offer. */
export function withNeighboursRotated(graph: Graph): Graph {
  const turn = (kind: BlockKind): BlockKind => ({
    ...kind,
    body: {
      ...kind.body,
      nodes: kind.body.nodes.map((node) =>
        node.op.kind === 'rope'
          ? { ...node, op: { ...node.op, rope: { ...node.op.rope, pairing: 'adjacent' } } }
          : node,
      ),
    },
  });
  return { ...graph, name: `${graph.name}-neighbours`, kinds: graph.kinds.map(turn) };
}
