import { describe, expect, test } from 'vitest';
import { LamellaError } from '../src/diagnostics.ts';
import type { Op, Param } from '../src/ir.ts';
import { verify } from '../src/verify.ts';
import { verifyBody } from '../src/verify-body.ts';
import { changed, layer, opOf, type Rejection } from './changed.ts';
import { bodyOf, tinyGraph } from './tiny.ts';

const t = { name: 't', size: 16 };

const code: readonly Rejection[] = [
  [
    'a node with another id',
    '%4 = linear: it is node 3 of its body, at layer.self_attn',
    (g) => {
      layer(g).nodes[3]!.id = 4;
    },
  ],
  [
    'an operand that comes later',
    '%1 = rmsNorm: it reads %1, which is not an earlier value, at layer.input_layernorm',
    (g) => {
      opOf(g, 'rmsNorm').x = 1;
    },
  ],
  [
    'a block that starts with something else',
    '%0 = tokens: a block starts with its input, and nothing else does, at layer',
    (g) => {
      layer(g).nodes[0]!.op = { kind: 'tokens' };
    },
  ],
  [
    'a second input',
    '%12 = input: a block starts with its input, and nothing else does, at layer.mlp',
    (g) => {
      layer(g).nodes[12]!.op = { kind: 'input' };
    },
  ],
  [
    'a model that starts with something else',
    '%0 = input: a model starts with its tokens, and nothing else does, at tiny-ls',
    (g) => {
      g.root.nodes[0]!.op = { kind: 'input' };
    },
  ],
  [
    'a value on another token axis',
    '%12 = silu: its axes are [s=16, ff=40], not [t=16, features], at layer.mlp',
    (g) => {
      layer(g).nodes[12]!.axes = [
        { name: 's', size: 16 },
        { name: 'ff', size: 40 },
      ];
    },
  ],
  [
    'a result whose axes are not those of the operation',
    '%12 = silu: its axes are [t=16, d=24], not [t=16, ff=40], at layer.mlp',
    (g) => {
      layer(g).nodes[12]!.axes = [t, { name: 'd', size: 24 }];
    },
  ],
  [
    'a linear of another size than its weight',
    '%2 = linear: its axes are [t=16, self_attn.q=23], not [t=16, self_attn.q=24], at layer.self_attn',
    (g) => {
      layer(g).nodes[2]!.axes = [t, { name: 'self_attn.q', size: 23 }];
    },
  ],
  [
    'a result that is not there',
    'the result %40 does not exist, at layer',
    (g) => {
      layer(g).result = 40;
    },
  ],
  [
    'a block that returns other axes',
    'L108 a block must return the axes it takes: it takes [t=16, d=24] and returns [t=16, ff=40], at layer',
    (g) => {
      layer(g).result = 14;
    },
  ],
  [
    'two parameters of one name',
    'L114 the name mlp.up_proj.weight is used by two different tensors, at layer',
    (g) => {
      layer(g).params[6]!.name = 'mlp.up_proj.weight';
    },
  ],
  [
    'a parameter of size 0',
    'L102 sizes must be positive integers: a size of mlp.up_proj.weight is 0, at layer',
    (g) => {
      layer(g).params[7]!.shape = [0, 24];
    },
  ],
];

const operations: readonly Rejection[] = [
  [
    'a linear over the wrong features',
    'L101 axis ff=40 does not fit: expected 24, the inputs of mlp.up_proj.weight [40, 24], at layer.mlp',
    (g) => {
      layer(g).nodes[13]!.op = { kind: 'linear', x: 12, weight: 7, bias: null };
    },
  ],
  [
    'a linear over a gain',
    '%2 = linear: input_layernorm.weight is a gain, not a matrix or a table, at layer.self_attn',
    (g) => {
      opOf(g, 'linear').weight = 0;
    },
  ],
  [
    'a linear over no parameter',
    '%2 = linear: it uses parameter 9, which does not exist, at layer.self_attn',
    (g) => {
      opOf(g, 'linear').weight = 9;
    },
  ],
  [
    'a parameter with too few axes',
    '%2 = linear: self_attn.q_proj.weight has the shape [24], at layer.self_attn',
    (g) => {
      layer(g).params[1]!.shape = [24];
    },
  ],
  [
    'a bias of another length',
    '%2 = linear: self_attn.q_proj.bias has 8 elements for 24 outputs, at layer.self_attn',
    (g) => {
      layer(g).params.push({ name: 'self_attn.q_proj.bias', role: 'bias', shape: [8] });
      opOf(g, 'linear').bias = 9;
    },
  ],
  [
    'a norm over other features than its gain',
    'L101 axis d=24 does not fit: expected 23, one feature for each gain of input_layernorm.weight, at layer.input',
    (g) => {
      layer(g).params[0]!.shape = [23];
    },
  ],
  [
    'a norm without eps',
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 0, at layer.input_layernorm',
    (g) => {
      opOf(g, 'rmsNorm').eps = 0;
    },
  ],
  [
    'an odd headDim under rope',
    'L103 headDim must be even for RoPE: 3, at layer.self_attn. Try headDim: 4',
    (g) => {
      Object.assign(opOf(g, 'rope'), { heads: 8, headDim: 3 });
    },
  ],
  [
    'a rope of other heads than its value',
    'L101 axis self_attn.q=24 does not fit: expected 20, heads * headDim = 5 * 4, at layer.self_attn',
    (g) => {
      opOf(g, 'rope').heads = 5;
    },
  ],
  [
    'a rope of half a head',
    'L102 sizes must be positive integers: heads is 0.5, at layer.self_attn',
    (g) => {
      opOf(g, 'rope').heads = 0.5;
    },
  ],
  [
    'a theta that is not positive',
    'L118 theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: -1, at layer.self_attn',
    (g) => {
      opOf(g, 'rope').rope.theta = -1;
    },
  ],
  [
    'more features that turn than a head has',
    'L140 RoPE rotates an even number of features, from 2 to headDim: dims 6, headDim 4, at layer.self_attn. Try dims: 4',
    (g) => {
      opOf(g, 'rope').rope.dims = 6;
    },
  ],
  [
    'an odd number of features that turn',
    'L140 RoPE rotates an even number of features, from 2 to headDim: dims 3, headDim 4, at layer.self_attn. Try dims: 2',
    (g) => {
      opOf(g, 'rope').rope.dims = 3;
    },
  ],
  [
    'a scaling without a factor',
    'L141 factor of the RoPE scaling linear must be above 0: 0, at layer.self_attn. Try factor: 8',
    (g) => {
      opOf(g, 'rope').rope.scaling = { kind: 'linear', factor: 0 };
    },
  ],
  [
    'waves that are long and short at once',
    'L141 lowFreqFactor of the RoPE scaling llama3 must be below highFreqFactor (1): 4, at layer.self_attn. Try lowFreqFactor: 1, highFreqFactor: 4',
    (g) => {
      const scaling = { kind: 'llama3', factor: 8, lowFreqFactor: 4, highFreqFactor: 1, originalContext: 8 } as const;
      opOf(g, 'rope').rope.scaling = scaling;
    },
  ],
  [
    'a blend from slow to fast',
    'L141 betaSlow of the RoPE scaling yarn must be below betaFast (1): 32, at layer.self_attn. Try betaFast: 32, betaSlow: 1',
    (g) => {
      const betas = { betaFast: 1, betaSlow: 32 };
      opOf(g, 'rope').rope.scaling = { kind: 'yarn', factor: 4, originalContext: 8, attentionFactor: 1, ...betas };
    },
  ],
  [
    'a factor for another number of pairs',
    'L141 factors of the RoPE scaling factors must be a list of 2, one for each pair: 3 of them, at layer.self_attn. Try 2 factors',
    (g) => {
      opOf(g, 'rope').rope.scaling = { kind: 'factors', factors: [1, 2, 3], attentionFactor: 1 };
    },
  ],
  [
    'kvHeads that do not divide heads',
    'L104 kvHeads must divide heads: 6 / 4, at layer.self_attn. Try kvHeads: 3',
    (g) => {
      opOf(g, 'attention').kvHeads = 4;
    },
  ],
  [
    'queries of other heads',
    'L101 axis self_attn.q=24 does not fit: expected 48, heads * headDim = 12 * 4, at layer.self_attn',
    (g) => {
      opOf(g, 'attention').heads = 12;
    },
  ],
  [
    'keys of other heads',
    'L101 axis self_attn.k=8 does not fit: expected 12, kvHeads * headDim = 3 * 4, at layer.self_attn',
    (g) => {
      opOf(g, 'attention').kvHeads = 3;
    },
  ],
  [
    'values of other heads',
    'L101 axis self_attn.q=24 does not fit: expected 8, kvHeads * headDim = 2 * 4, at layer.self_attn',
    (g) => {
      opOf(g, 'attention').v = 5;
    },
  ],
  [
    'an attention scale that is no number',
    'L150 scale must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: NaN, at layer.self_attn. Try scale: 0.5',
    (g) => {
      opOf(g, 'attention').scale = Number.NaN;
    },
  ],
  [
    'attention states that do not count from 0',
    '%7 = attention: its state is 1, but the next state is 0, at layer.self_attn',
    (g) => {
      opOf(g, 'attention').state = 1;
    },
  ],
  [
    'attention outside a block',
    'L116 attention cannot be compiled here: state belongs to an execution, and the model itself is not one, at tiny-ls',
    (g) => {
      g.root.nodes[3]!.op = { ...opOf(g, 'attention'), q: 1, k: 1, v: 1 };
    },
  ],
  [
    'a sum over different axes',
    'L101 axis ff=40 does not fit: expected d=24, at layer. Try a value with axes [t=16, d=24]',
    (g) => {
      layer(g).nodes[16]!.op = { kind: 'map', fn: 'add', args: [9, 14] };
    },
  ],
  [
    'a product over axes of one size and two names',
    'L101 axis self_attn.q=24 does not fit: expected d=24, at layer. Try a value with axes [t=16, d=24]',
    (g) => {
      layer(g).nodes[16]!.op = { kind: 'map', fn: 'mul', args: [9, 7] };
    },
  ],
  [
    'a theta that f32 takes for infinite',
    'L118 theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 3.5e+38, at layer.self_attn',
    (g) => {
      opOf(g, 'rope').rope.theta = 3.5e38;
    },
  ],
  [
    'an eps that f32 takes for 0',
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 1e-60, at layer.input_layernorm',
    (g) => {
      opOf(g, 'rmsNorm').eps = 1e-60;
    },
  ],
  [
    'an attention scale that f32 takes for 0',
    'L150 scale must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 1e-50, at layer.self_attn. Try scale: 0.5',
    (g) => {
      opOf(g, 'attention').scale = 1e-50;
    },
  ],
  [
    'a factor that f32 takes for 0',
    'L121 a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: -1e-50, at layer.mlp',
    (g) => {
      layer(g).nodes[12]!.op = { kind: 'scale', x: 11, by: -1e-50 };
    },
  ],
  [
    'a factor that is no number',
    'L121 a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: Infinity, at layer.mlp',
    (g) => {
      layer(g).nodes[12]!.op = { kind: 'scale', x: 11, by: Number.POSITIVE_INFINITY };
    },
  ],
  [
    'a lookup of something that is not tokens',
    '%2 = embed: it looks up %1, which holds no token ids, at tiny-ls.layers',
    (g) => {
      g.root.nodes[2]!.op = { kind: 'embed', ids: 1, table: 0 };
    },
  ],
  [
    'a table that is not the size of the vocabulary',
    '%1 = embed: its table has 31 rows for a vocabulary of 32, at tiny-ls.embed_tokens',
    (g) => {
      g.vocab = 32;
    },
  ],
  [
    'token ids used as features',
    '%2 = silu: it reads %0, which has no features, at tiny-ls.layers',
    (g) => {
      g.root.nodes[2]!.op = { kind: 'map', fn: 'silu', args: [0] };
    },
  ],
  [
    'a stack inside a block',
    '%12 = stack: a block cannot run a stack, at layer.mlp',
    (g) => {
      layer(g).nodes[12]!.op = { kind: 'stack', x: 11, stack: 0 };
    },
  ],
  [
    'a stack that is not there',
    '%2 = stack: stack 5 does not exist, at tiny-ls.layers',
    (g) => {
      g.root.nodes[2]!.op = { kind: 'stack', x: 1, stack: 5 };
    },
  ],
  [
    'a stack over other axes than its blocks take',
    'L101 axis e=24 does not fit: expected d=24, at tiny-ls.layers',
    (g) => {
      g.root.nodes[1]!.axes = [t, { name: 'e', size: 24 }];
    },
  ],
];

describe('rejects', () => {
  test.each([...code, ...operations])('%s', (_, message, edit) => {
    const graph = changed(edit);
    expect(() => verify(graph)).toThrow(LamellaError);
    expect(() => verify(graph)).toThrow(message);
  });

  test('with the line the author wrote', () => {
    const graph = changed((g) => {
      opOf(g, 'attention').kvHeads = 4;
      layer(g).nodes[7]!.site = { file: 'graphs/x.ts', line: 8, column: 14 };
    });
    expect(() => verify(graph)).toThrow('at layer.self_attn (graphs/x.ts:8:14)');
  });
});

describe('norms and positions', () => {
  const gain: Param = { name: 'gain', role: 'gain', shape: [24] };
  const d = { name: 'd', size: 24 };
  const verified = (params: readonly Param[], op: Op) => {
    const graph = tinyGraph();
    const axes = [graph.tokens, d];
    const body = bodyOf(params, [
      ['', { kind: 'input' }, axes],
      ['norm', op, axes],
    ]);
    return () => verifyBody(body, 'layer', graph);
  };
  const norm = { kind: 'layerNorm', x: 0, gain: 0, bias: null, eps: 1e-5 } as const;

  test('are well formed', () => {
    const bias: Param = { name: 'bias', role: 'bias', shape: [24] };
    expect(verified([gain], norm)).not.toThrow();
    expect(verified([gain, bias], { ...norm, bias: 1 })).not.toThrow();
    expect(
      verified([{ name: 'table', role: 'table', shape: [16, 24] }], { kind: 'positions', table: 0 }),
    ).not.toThrow();
  });

  test.each<[string, readonly Param[], Op, string]>([
    ['eps', [gain], { ...norm, eps: 0 }, 'L117 eps must be a positive number'],
    [
      'heads without a gain',
      [],
      { kind: 'rmsNorm', x: 0, gain: null, eps: 1e-5, heads: 5 },
      '%0 has 24 features for 5 heads',
    ],
    [
      'gain',
      [{ ...gain, shape: [20] }],
      norm,
      'L101 axis d=24 does not fit: expected 20, one feature for each gain of gain',
    ],
    [
      'bias',
      [gain, { name: 'bias', role: 'bias', shape: [20] }],
      { ...norm, bias: 1 },
      'L101 axis d=24 does not fit: expected 20, one feature for each bias of bias',
    ],
    ['roles', [gain, { ...gain, name: 'other' }], { ...norm, bias: 1 }, 'other is a gain, not a bias'],
    [
      'filters',
      [{ name: 'filter', role: 'filter', shape: [20, 3] }],
      { kind: 'causalConv', x: 0, weight: 0, bias: null, state: 0 },
      'L101 axis d=24 does not fit: expected 20, one feature for each filter of filter',
    ],
    [
      'a state that is not the next',
      [{ name: 'filter', role: 'filter', shape: [24, 3] }],
      { kind: 'causalConv', x: 0, weight: 0, bias: null, state: 1 },
      'its state is 1, but the next state is 0',
    ],
    [
      'rows',
      [{ name: 'table', role: 'table', shape: [15, 24] }],
      { kind: 'positions', table: 0 },
      'its table has 15 rows for a context of 16',
    ],
  ])('%s', (_, params, op, message) => {
    expect(verified(params, op)).toThrow(message);
  });
});

test('attention and a convolution keep nothing in common', () => {
  const graph = tinyGraph();
  const axes = [graph.tokens, { name: 'd', size: 24 }];
  const heads = { heads: 3, kvHeads: 3, headDim: 8, scale: 1, window: null, softcap: null } as const;
  const body = bodyOf(
    [{ name: 'filter', role: 'filter', shape: [24, 3] }],
    [
      ['', { kind: 'input' }, axes],
      ['', { kind: 'causalConv', x: 0, weight: 0, bias: null, state: 0 }, axes],
      ['', { kind: 'attention', q: 1, k: 1, v: 1, ...heads, state: 0 }, axes],
    ],
  );
  expect(() => verifyBody(body, 'layer', graph)).toThrow("its state is 0, which is another operation's");
});
