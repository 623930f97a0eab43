/**
 * A small graph as data that uses every operation: two weight sets with one FFN between them, run A
 * B B A, rotation in both pairings.
 */
import type { Axis, Body, Graph, Node, Op, Param, Weight } from '@lamella/graph/ir';

const t: Axis = { name: 't', size: 16 };
const axes = (size: number) => [t, { name: `n${size}`, size }];
const node = (id: number, op: Op, size: number): Node => ({ id, op, axes: axes(size), path: '', site: null });
const param = (name: string, role: Param['role'], ...shape: readonly number[]): Param => ({ name, role, shape });
const half = { theta: 10_000, pairing: 'half' } as const;
const adjacent = { theta: 500, pairing: 'adjacent' } as const;

const layer: Body = {
  params: [
    param('norm.weight', 'gain', 8),
    param('attn.q_proj.weight', 'matrix', 8, 8),
    param('attn.q_proj.bias', 'bias', 8),
    param('attn.k_proj.weight', 'matrix', 4, 8),
    param('attn.v_proj.weight', 'matrix', 4, 8),
    param('ffn.up.weight', 'matrix', 8, 8),
  ],
  nodes: [
    node(0, { kind: 'input' }, 8),
    node(1, { kind: 'rmsNorm', x: 0, gain: 0, eps: 1e-5, heads: 1 }, 8),
    node(2, { kind: 'linear', x: 1, weight: 1, bias: 2 }, 8),
    node(3, { kind: 'linear', x: 1, weight: 3, bias: null }, 4),
    node(4, { kind: 'linear', x: 1, weight: 4, bias: null }, 4),
    node(5, { kind: 'rope', x: 2, heads: 2, headDim: 4, rope: half }, 8),
    node(6, { kind: 'rope', x: 3, heads: 1, headDim: 4, rope: adjacent }, 4),
    node(
      7,
      {
        kind: 'attention',
        q: 5,
        k: 6,
        v: 4,
        heads: 2,
        kvHeads: 1,
        headDim: 4,
        scale: 0.5,
        window: null,
        softcap: null,
        state: 0,
      },
      8,
    ),
    node(8, { kind: 'map', fn: 'add', args: [0, 7] }, 8),
    node(9, { kind: 'linear', x: 8, weight: 5, bias: null }, 8),
    node(10, { kind: 'map', fn: 'silu', args: [9] }, 8),
    node(11, { kind: 'map', fn: 'mul', args: [10, 8] }, 8),
    node(12, { kind: 'scale', x: 11, by: 2 }, 8),
    node(13, { kind: 'map', fn: 'add', args: [8, 12] }, 8),
  ],
  result: 13,
};

const names = [
  'embed.weight',
  ...['layers.0.', 'layers.1.'].flatMap((prefix) => layer.params.slice(0, 5).map((p) => prefix + p.name)),
  'shared.up.weight',
];
const formal = [
  param('', 'table', 11, 8),
  ...layer.params.slice(0, 5),
  ...layer.params.slice(0, 5),
  ...layer.params.slice(5),
];

export const sharedFfn: Graph = {
  name: 'shared-ffn',
  tokens: t,
  vocab: 11,
  weights: names.map(
    (name, id): Weight => ({ id, name, shape: formal[id]!.shape, role: formal[id]!.role, site: null }),
  ),
  kinds: [{ name: 'layer', body: layer, site: null }],
  stacks: [
    {
      name: 'layers',
      weightSets: [
        { kind: 0, weights: [1, 2, 3, 4, 5, 11] },
        { kind: 0, weights: [6, 7, 8, 9, 10, 11] },
      ],
      executions: [0, 1, 1, 0].map((weightSet, slot) => ({ weightSet, slot })),
      sharing: { kind: 'reverse', text: 'reverse()' },
    },
  ],
  root: {
    params: [param('embed.weight', 'table', 11, 8)],
    nodes: [
      node(0, { kind: 'tokens' }, 1),
      node(1, { kind: 'embed', ids: 0, table: 0 }, 8),
      node(2, { kind: 'stack', x: 1, stack: 0 }, 8),
      node(3, { kind: 'linear', x: 2, weight: 0, bias: null }, 11),
    ],
    result: 3,
  },
  rootWeights: [0],
};
