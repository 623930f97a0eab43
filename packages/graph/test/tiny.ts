/** A small MobileLLM-LS as IR data, and numbers for it: what the tests of this package run on. */
import type { Axis, Body, Graph, Node, Op, Rope, SharingOrder, Weight, WeightSet } from '../src/ir.ts';
import { elementCount } from '../src/ir.ts';
import type { WeightOf } from '../src/oracle/model.ts';

export interface TinyShape {
  readonly context: number;
  readonly vocab: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ff: number;
  readonly rope: Rope;
  /** Whether the head is the embedding table. */
  readonly tied: boolean;
  readonly sharing: SharingOrder;
  /** The weight set of each execution. */
  readonly order: readonly number[];
}

const usual: TinyShape = {
  context: 16,
  vocab: 31,
  heads: 6,
  kvHeads: 2,
  headDim: 4,
  ff: 40,
  rope: { theta: 10_000, pairing: 'half' },
  tied: true,
  sharing: { kind: 'immediate', text: 'immediate(2)' },
  order: [0, 0, 1, 1],
};

/** Two weight sets run twice each, unless told otherwise. d = heads * headDim. */
export function tinyGraph(changes: Partial<TinyShape> = {}): Graph {
  const shape = { ...usual, ...changes };
  const d = shape.heads * shape.headDim;
  const layer = layerBody(shape);
  const weights: Weight[] = [];
  const weight = (name: string, role: Weight['role'], size: readonly number[]) =>
    weights.push({ id: weights.length, name, shape: size, role, site: null }) - 1;

  const table = weight('model.embed_tokens.weight', 'table', [shape.vocab, d]);
  const setCount = Math.max(...shape.order) + 1;
  const weightSets: WeightSet[] = Array.from({ length: setCount }, (_, set) => ({
    kind: 0,
    weights: layer.params.map((param) => weight(`model.layers.${set}.${param.name}`, param.role, param.shape)),
  }));
  const gain = weight('model.norm.weight', 'gain', [d]);
  const rootWeights = shape.tied ? [table, gain] : [table, gain, weight('lm_head.weight', 'matrix', [shape.vocab, d])];

  const tokens = { name: 't', size: shape.context };
  const x = [tokens, { name: 'd', size: d }];
  const root = bodyOf(
    rootWeights.map((id) => ({ ...weights[id]!, name: weights[id]!.name.replace('model.', '') })),
    [
      ['', { kind: 'tokens' }, [tokens]],
      ['embed_tokens', { kind: 'embed', ids: 0, table: 0 }, x],
      ['layers', { kind: 'stack', x: 1, stack: 0 }, x],
      ['norm', { kind: 'rmsNorm', x: 2, gain: 1, eps: 1e-5, heads: 1 }, x],
      [
        '',
        { kind: 'linear', x: 3, weight: shape.tied ? 0 : 2, bias: null },
        [tokens, { name: 'vocab', size: shape.vocab }],
      ],
    ],
  );
  return {
    name: 'tiny-ls',
    tokens,
    vocab: shape.vocab,
    weights,
    kinds: [{ name: 'layer', body: layer, site: null }],
    stacks: [
      {
        name: 'layers',
        weightSets,
        executions: shape.order.map((weightSet, slot) => ({ weightSet, slot })),
        sharing: shape.sharing,
      },
    ],
    root,
    rootWeights,
  };
}

function layerBody({ context, heads, kvHeads, headDim, ff, rope }: TinyShape): Body {
  const d = heads * headDim;
  const kv = kvHeads * headDim;
  const t = { name: 't', size: context };
  const [x, q, k, v, hidden] = [
    ['d', d] as const,
    ['self_attn.q', d] as const,
    ['self_attn.k', kv] as const,
    ['self_attn.v', kv] as const,
    ['ff', ff] as const,
  ].map(([name, size]) => [t, { name, size }]) as [Axis[], Axis[], Axis[], Axis[], Axis[]];
  const scale = 1 / Math.sqrt(headDim);
  return bodyOf(
    [
      { name: 'input_layernorm.weight', role: 'gain', shape: [d] },
      { name: 'self_attn.q_proj.weight', role: 'matrix', shape: [d, d] },
      { name: 'self_attn.k_proj.weight', role: 'matrix', shape: [kv, d] },
      { name: 'self_attn.v_proj.weight', role: 'matrix', shape: [kv, d] },
      { name: 'self_attn.o_proj.weight', role: 'matrix', shape: [d, d] },
      { name: 'post_attention_layernorm.weight', role: 'gain', shape: [d] },
      { name: 'mlp.gate_proj.weight', role: 'matrix', shape: [ff, d] },
      { name: 'mlp.up_proj.weight', role: 'matrix', shape: [ff, d] },
      { name: 'mlp.down_proj.weight', role: 'matrix', shape: [d, ff] },
    ],
    [
      ['', { kind: 'input' }, x],
      ['input_layernorm', { kind: 'rmsNorm', x: 0, gain: 0, eps: 1e-5, heads: 1 }, x],
      ['self_attn', { kind: 'linear', x: 1, weight: 1, bias: null }, q],
      ['self_attn', { kind: 'linear', x: 1, weight: 2, bias: null }, k],
      ['self_attn', { kind: 'linear', x: 1, weight: 3, bias: null }, v],
      ['self_attn', { kind: 'rope', x: 2, heads, headDim, rope }, q],
      ['self_attn', { kind: 'rope', x: 3, heads: kvHeads, headDim, rope }, k],
      [
        'self_attn',
        { kind: 'attention', q: 5, k: 6, v: 4, heads, kvHeads, headDim, scale, window: null, softcap: null, state: 0 },
        q,
      ],
      ['self_attn', { kind: 'linear', x: 7, weight: 4, bias: null }, x],
      ['', { kind: 'map', fn: 'add', args: [0, 8] }, x],
      ['post_attention_layernorm', { kind: 'rmsNorm', x: 9, gain: 5, eps: 1e-5, heads: 1 }, x],
      ['mlp', { kind: 'linear', x: 10, weight: 6, bias: null }, hidden],
      ['mlp', { kind: 'map', fn: 'silu', args: [11] }, hidden],
      ['mlp', { kind: 'linear', x: 10, weight: 7, bias: null }, hidden],
      ['mlp', { kind: 'map', fn: 'mul', args: [12, 13] }, hidden],
      ['mlp', { kind: 'linear', x: 14, weight: 8, bias: null }, x],
      ['', { kind: 'map', fn: 'add', args: [9, 15] }, x],
    ],
  );
}

/** A body from rows of path, operation and axes; ids are counted, and the last value is the result. */
export function bodyOf(
  params: readonly Body['params'][number][],
  rows: readonly (readonly [path: string, op: Op, axes: readonly Axis[]])[],
): Body {
  const nodes: Node[] = rows.map(([path, op, axes], id) => ({ id, op, axes, path, site: null }));
  return { params: params.map(({ name, shape, role }) => ({ name, shape, role })), nodes, result: nodes.length - 1 };
}

/** Numbers for any graph: gains near 1, everything else in -0.5..0.5, from an integer hash of the weight's name. */
export const someNumbers: WeightOf = ({ name, shape, role }) => {
  let state = [...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x01000193), 0x811c9dc5);
  return Float32Array.from({ length: elementCount(shape) }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    const unit = ((state ^ (state >>> 12)) >>> 0) / 2 ** 32 - 0.5;
    return role === 'gain' ? 1 + unit / 4 : unit;
  });
};
