import { expect, test } from 'vitest';
import { printGraph } from '../src/print.ts';
import { bodyOf, tinyGraph } from './tiny.ts';

test('a tiny layer-sharing model', () => {
  expect(printGraph(tinyGraph())).toMatchInlineSnapshot(`
    "graph tiny-ls: t=16 vocab=31 parameters=9696

    weights
      w0   table   [31, 24]  model.embed_tokens.weight
      w1   gain    [24]      model.layers.0.input_layernorm.weight
      w2   matrix  [24, 24]  model.layers.0.self_attn.q_proj.weight
      w3   matrix  [8, 24]   model.layers.0.self_attn.k_proj.weight
      w4   matrix  [8, 24]   model.layers.0.self_attn.v_proj.weight
      w5   matrix  [24, 24]  model.layers.0.self_attn.o_proj.weight
      w6   gain    [24]      model.layers.0.post_attention_layernorm.weight
      w7   matrix  [40, 24]  model.layers.0.mlp.gate_proj.weight
      w8   matrix  [40, 24]  model.layers.0.mlp.up_proj.weight
      w9   matrix  [24, 40]  model.layers.0.mlp.down_proj.weight
      w10  gain    [24]      model.layers.1.input_layernorm.weight
      w11  matrix  [24, 24]  model.layers.1.self_attn.q_proj.weight
      w12  matrix  [8, 24]   model.layers.1.self_attn.k_proj.weight
      w13  matrix  [8, 24]   model.layers.1.self_attn.v_proj.weight
      w14  matrix  [24, 24]  model.layers.1.self_attn.o_proj.weight
      w15  gain    [24]      model.layers.1.post_attention_layernorm.weight
      w16  matrix  [40, 24]  model.layers.1.mlp.gate_proj.weight
      w17  matrix  [40, 24]  model.layers.1.mlp.up_proj.weight
      w18  matrix  [24, 40]  model.layers.1.mlp.down_proj.weight
      w19  gain    [24]      model.norm.weight

    kind layer
      param  gain    [24]      input_layernorm.weight
      param  matrix  [24, 24]  self_attn.q_proj.weight
      param  matrix  [8, 24]   self_attn.k_proj.weight
      param  matrix  [8, 24]   self_attn.v_proj.weight
      param  matrix  [24, 24]  self_attn.o_proj.weight
      param  gain    [24]      post_attention_layernorm.weight
      param  matrix  [40, 24]  mlp.gate_proj.weight
      param  matrix  [40, 24]  mlp.up_proj.weight
      param  matrix  [24, 40]  mlp.down_proj.weight
      %0   = input                                                        : [t=16, d=24]
      %1   = rmsNorm %0, input_layernorm.weight, eps=0.00001              : [t=16, d=24]            input_layernorm
      %2   = linear %1, self_attn.q_proj.weight                           : [t=16, self_attn.q=24]  self_attn
      %3   = linear %1, self_attn.k_proj.weight                           : [t=16, self_attn.k=8]   self_attn
      %4   = linear %1, self_attn.v_proj.weight                           : [t=16, self_attn.v=8]   self_attn
      %5   = rope %2, heads=6x4 theta=10000 half                          : [t=16, self_attn.q=24]  self_attn
      %6   = rope %3, heads=2x4 theta=10000 half                          : [t=16, self_attn.k=8]   self_attn
      %7   = attention %5, %6, %4, heads=6x4 kvHeads=2 scale=0.5 state=0  : [t=16, self_attn.q=24]  self_attn
      %8   = linear %7, self_attn.o_proj.weight                           : [t=16, d=24]            self_attn
      %9   = add %0, %8                                                   : [t=16, d=24]
      %10  = rmsNorm %9, post_attention_layernorm.weight, eps=0.00001     : [t=16, d=24]            post_attention_layernorm
      %11  = linear %10, mlp.gate_proj.weight                             : [t=16, ff=40]           mlp
      %12  = silu %11                                                     : [t=16, ff=40]           mlp
      %13  = linear %10, mlp.up_proj.weight                               : [t=16, ff=40]           mlp
      %14  = mul %12, %13                                                 : [t=16, ff=40]           mlp
      %15  = linear %14, mlp.down_proj.weight                             : [t=16, d=24]            mlp
      %16  = add %9, %15                                                  : [t=16, d=24]
      return %16

    stack layers: immediate(2), 2 weight sets, 4 executions
      set 0  layer  w1..w9
      set 1  layer  w10..w18
      run 0  set 0  slot 0
      run 1  set 0  slot 1
      run 2  set 1  slot 2
      run 3  set 1  slot 3

    root: w0 w19
      param  table  [31, 24]  embed_tokens.weight
      param  gain   [24]      norm.weight
      %0  = tokens                                : [t=16]
      %1  = embed %0, embed_tokens.weight         : [t=16, d=24]      embed_tokens
      %2  = stack %1, stack=0                     : [t=16, d=24]      layers
      %3  = rmsNorm %2, norm.weight, eps=0.00001  : [t=16, d=24]      norm
      %4  = linear %3, embed_tokens.weight        : [t=16, vocab=31]
      return %4
    "
  `);
});

test('a sharing order changes the table and nothing else', () => {
  const lines = (graph: ReturnType<typeof tinyGraph>) => printGraph(graph).split('\n');
  const immediate = lines(tinyGraph());
  const cycle = lines(tinyGraph({ order: [0, 1, 0, 1], sharing: { kind: 'cycle', text: 'cycle(2)' } }));
  expect(cycle.filter((line, i) => line !== immediate[i])).toEqual([
    'stack layers: cycle(2), 2 weight sets, 4 executions',
    '  run 1  set 1  slot 1',
    '  run 2  set 0  slot 2',
  ]);
});

test('a bias, a factor, and a set that repeats the tensors of another', () => {
  const graph = tinyGraph();
  const d = [graph.tokens, { name: 'd', size: 24 }];
  const body = bodyOf(
    [
      { name: 'proj.weight', role: 'matrix', shape: [24, 24] },
      { name: 'proj.bias', role: 'bias', shape: [24] },
    ],
    [
      ['', { kind: 'input' }, d],
      ['proj', { kind: 'linear', x: 0, weight: 0, bias: 1 }, d],
      ['', { kind: 'scale', x: 1, by: 0.25 }, d],
    ],
  );
  const stack = { ...graph.stacks[0]!, weightSets: [{ kind: 0, weights: [1, 2, 3, 9, 11, 12] }] };
  const text = printGraph({ ...graph, kinds: [{ name: 'layer', body, site: null }], stacks: [stack] });
  expect(text).toContain('%1  = linear %0, proj.weight, proj.bias  : [t=16, d=24]  proj\n');
  expect(text).toContain('%2  = scale %1, by=0.25                  : [t=16, d=24]\n');
  expect(text).toContain('set 0  layer  w1..w3 w9 w11..w12\n');
});

test('a rotation says how it differs from the usual one', () => {
  const graph = tinyGraph();
  const d = [graph.tokens, { name: 'd', size: 24 }];
  const rope = { theta: 500, pairing: 'adjacent', dims: 2, scaling: { kind: 'linear', factor: 4 } } as const;
  const body = bodyOf(
    [],
    [
      ['', { kind: 'input' }, d],
      ['', { kind: 'rope', x: 0, heads: 6, headDim: 4, rope }, d],
    ],
  );
  const text = printGraph({ ...graph, kinds: [{ name: 'layer', body, site: null }] });
  expect(text).toContain('%1  = rope %0, heads=6x4 theta=500 adjacent dims=2 linear factor=4  :');
});

test('a weight that is a part of a tensor says which', () => {
  const graph = tinyGraph();
  const parts = { first: 0, count: 8, groups: 3, stride: 16 };
  const weights = graph.weights.map((weight, i) => {
    if (i === 2) return { ...weight, stored: { tensor: 'qkv', shape: [48, 24], rows: parts, plus: 0 } };
    const rows = { first: 0, count: 24, groups: 1, stride: 24 };
    return i === 19 ? { ...weight, stored: { tensor: weight.name, shape: [24], rows, plus: 1 } } : weight;
  });
  const text = printGraph({ ...graph, weights });
  expect(text).toMatch(/w2 .*q_proj\.weight +rows 0 to 7 of each 16 of qkv \[48, 24\]\n/);
  expect(text).toMatch(/w19 .*model\.norm\.weight +plus 1\n/);
});
