import { describe, expect, test } from 'vitest';
import { LamellaError } from '../src/diagnostics.ts';
import { verify } from '../src/verify.ts';
import { changed, type Rejection } from './changed.ts';
import { tinyGraph } from './tiny.ts';

describe('accepts', () => {
  test.each([
    ['immediate', { order: [0, 0, 1, 1] }],
    ['cycle', { order: [0, 1, 0, 1] }],
    ['reverse', { order: [0, 1, 1, 0] }],
    ['one layer', { order: [0] }],
    ['an untied head', { tied: false }],
    ['multi-head attention', { heads: 4, kvHeads: 4 }],
    ['adjacent pairs', { rope: { theta: 8e6, pairing: 'adjacent' as const } }],
  ])('%s', (_, shape) => {
    expect(() => verify(tinyGraph(shape))).not.toThrow();
  });

  test('slots in any order, as long as each belongs to one execution', () => {
    const graph = changed(({ stacks }) => {
      stacks[0]!.executions.forEach((execution, index) => {
        execution.slot = 3 - index;
      });
    });
    expect(() => verify(graph)).not.toThrow();
  });
});

const rejections: readonly Rejection[] = [
  [
    'an empty context',
    'L102 sizes must be positive integers: the token axis t is 0',
    (g) => {
      g.tokens.size = 0;
    },
  ],
  [
    'a vocabulary that is not whole',
    'L102 sizes must be positive integers: the vocabulary is 31.5',
    (g) => {
      g.vocab = 31.5;
    },
  ],
  [
    'weights out of order',
    'L115 the graph is not well formed: weight 2 has id 7',
    (g) => {
      g.weights[2]!.id = 7;
    },
  ],
  [
    'two weights of one name',
    'L114 the name model.norm.weight is used by two different tensors',
    (g) => {
      g.weights[1]!.name = 'model.norm.weight';
    },
  ],
  [
    'a weight of size 0',
    'L102 sizes must be positive integers: a size of model.norm.weight is 0',
    (g) => {
      g.weights[19]!.shape = [0];
    },
  ],
  [
    'a matrix with one axis',
    'a matrix has 2 axes, not the shape [576]',
    (g) => {
      g.weights[2]!.shape = [576];
    },
  ],
  [
    'a weight nobody binds',
    'the weight belongs to no weight set, at model.extra.weight',
    (g) => {
      g.weights.push({ id: 20, name: 'model.extra.weight', shape: [4], role: 'gain', site: null });
    },
  ],
  [
    'a binding that misses a parameter',
    '8 weights are bound to 9 parameters, at layers.1',
    (g) => {
      g.stacks[0]!.weightSets[1]!.weights.pop();
    },
  ],
  [
    'a binding to no weight',
    'self_attn.q_proj.weight is bound to weight 99, which does not exist, at layers.0',
    (g) => {
      g.stacks[0]!.weightSets[0]!.weights[1] = 99;
    },
  ],
  [
    'a binding of another shape',
    'self_attn.q_proj.weight [24, 24] is bound to model.layers.0.self_attn.k_proj.weight [8, 24], at layers.0',
    (g) => {
      g.stacks[0]!.weightSets[0]!.weights[1] = 3;
    },
  ],
  [
    'a binding of another role',
    'embed_tokens.weight, a table, is bound to model.embed_tokens.weight, a matrix, at tiny-ls',
    (g) => {
      g.weights[0]!.role = 'matrix';
    },
  ],
  [
    'a weight set of no kind',
    'weight set 1 is of kind 3, which does not exist, at layers',
    (g) => {
      g.stacks[0]!.weightSets[1]!.kind = 3;
    },
  ],
  [
    'a stack of nothing',
    'L105 a stack needs a whole number of weight sets, at least 1: 0, at layers',
    (g) => {
      g.stacks[0]!.weightSets = [];
    },
  ],
  [
    'an execution of a set that is not there',
    'L106 a sharing order names weight set 2, but the stack has 2, at layers. Try indices from 0 to 1',
    (g) => {
      g.stacks[0]!.executions[3]!.weightSet = 2;
    },
  ],
  [
    'a weight set that never runs',
    'L107 weight set 1 of the stack never runs in this order, at layers',
    (g) => {
      for (const execution of g.stacks[0]!.executions) execution.weightSet = 0;
    },
  ],
  [
    'two executions on one slot',
    'execution 1 shares state slot 0 with another execution, at layers',
    (g) => {
      g.stacks[0]!.executions[1]!.slot = 0;
    },
  ],
  [
    'a slot past the last',
    'execution 3 has slot 4, but slots run from 0 to 3, at layers',
    (g) => {
      g.stacks[0]!.executions[3]!.slot = 4;
    },
  ],
  [
    'a stack that never runs',
    'the stack runs 0 times, at layers',
    (g) => {
      g.root.nodes[2]!.op = { kind: 'scale', x: 1, by: 1 };
    },
  ],
  [
    'a stack that runs twice',
    'the stack runs 2 times, at layers',
    (g) => {
      const axes = g.root.nodes[2]!.axes;
      g.root.nodes.push({ id: 5, op: { kind: 'stack', x: 2, stack: 0 }, axes, path: '', site: null });
    },
  ],
  [
    'rows that its tensor does not have',
    'it is made of rows 20 to 43 of a tensor [40, 24], at model.layers.0.self_attn.q_proj.weight',
    (g) => {
      const rows = { first: 20, count: 24, groups: 1, stride: 24 };
      g.weights[2]!.stored = { tensor: 'qkv', shape: [40, 24], rows, plus: 0 };
    },
  ],
  [
    'groups of rows that overlap',
    'it is made of rows 0 to 22 of a tensor [40, 24], at model.layers.0.self_attn.q_proj.weight',
    (g) => {
      const rows = { first: 0, count: 12, groups: 2, stride: 11 };
      g.weights[2]!.stored = { tensor: 'qkv', shape: [40, 24], rows, plus: 0 };
    },
  ],
  [
    'a weight of another size than its rows',
    'it has the shape [24, 24] and 480 elements of qkv, at model.layers.0.self_attn.q_proj.weight',
    (g) => {
      const rows = { first: 0, count: 20, groups: 1, stride: 20 };
      g.weights[2]!.stored = { tensor: 'qkv', shape: [40, 24], rows, plus: 0 };
    },
  ],
  [
    'a weight plus no number',
    'NaN is added to it, at model.norm.weight',
    (g) => {
      const rows = { first: 0, count: 24, groups: 1, stride: 24 };
      g.weights[19]!.stored = { tensor: 'model.norm.weight', shape: [24], rows, plus: Number.NaN };
    },
  ],
  [
    'rows of a tensor that is a weight of its own',
    'L114 the name model.norm.weight is used by two different tensors, at model.norm.weight',
    (g) => {
      const rows = { first: 0, count: 24, groups: 1, stride: 24 };
      g.weights[1]!.stored = { tensor: 'model.norm.weight', shape: [24], rows, plus: 0 };
    },
  ],
  [
    'two shapes of one tensor',
    'L114 the name qkv is used by two different tensors, at model.layers.0.post_attention_layernorm.weight',
    (g) => {
      const rows = { first: 0, count: 24, groups: 1, stride: 24 };
      g.weights[1]!.stored = { tensor: 'qkv', shape: [24], rows, plus: 0 };
      g.weights[6]!.stored = { tensor: 'qkv', shape: [30], rows, plus: 0 };
    },
  ],
  [
    'a result that is not logits',
    'L109 a model must return logits over its vocabulary: [t=16, d=24] was returned, at tiny-ls',
    (g) => {
      g.root.result = 3;
    },
  ],
];

describe('rejects', () => {
  test.each(rejections)('%s', (_, message, edit) => {
    const graph = changed(edit);
    expect(() => verify(graph)).toThrow(LamellaError);
    expect(() => verify(graph)).toThrow(message);
  });
});
