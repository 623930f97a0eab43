/**
 * The smallest graph with every role of a checkpoint's tensors: a tied embedding, a matrix and a
 * gain.
 */
import type { Graph, Node, Weight, WeightRole } from '@lamella/graph/ir';

export function tinyGraph(prefix = 'model.'): Graph {
  const weight = (id: number, name: string, shape: number[], role: WeightRole): Weight => ({
    id,
    name: prefix + name,
    shape,
    role,
    site: null,
  });
  const t = { name: 't', size: 8 };
  const d = { name: 'd', size: 4 };
  const vocab = { name: 'vocab', size: 5 };
  const node = (id: number, op: Node['op'], axes: Node['axes']): Node => ({ id, op, axes, path: '', site: null });
  const weights = [
    weight(0, 'embed_tokens.weight', [5, 4], 'table'),
    weight(1, 'layers.0.proj.weight', [4, 4], 'matrix'),
    weight(2, 'layers.1.proj.weight', [4, 4], 'matrix'),
    weight(3, 'norm.weight', [4], 'gain'),
  ];
  return {
    name: 'tiny',
    tokens: t,
    vocab: 5,
    weights,
    kinds: [],
    stacks: [],
    root: {
      params: weights,
      nodes: [
        node(0, { kind: 'tokens' }, [t]),
        node(1, { kind: 'embed', ids: 0, table: 0 }, [t, d]),
        node(2, { kind: 'linear', x: 1, weight: 1, bias: null }, [t, d]),
        node(3, { kind: 'linear', x: 2, weight: 2, bias: null }, [t, d]),
        node(4, { kind: 'rmsNorm', x: 3, gain: 3, eps: 1e-5, heads: 1 }, [t, d]),
        node(5, { kind: 'linear', x: 4, weight: 0, bias: null }, [t, vocab]),
      ],
      result: 5,
    },
    rootWeights: [0, 1, 2, 3],
  };
}
