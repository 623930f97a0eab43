/**
 * The exported text: readable, one parameter per distinct tensor, one entry per execution.
 * test/full/pytorch.full.ts checks the numbers.
 */
import type { Graph } from '@lamella/graph/ir';
import { expect, test } from 'vitest';
import { exportPyTorch } from '../../src/pytorch/export.ts';
import { distinct, identifier } from '../../src/pytorch/names.ts';
import { sharedFfn } from './shared-ffn.ts';

test('a graph that uses every operation, as text', async () => {
  await expect(exportPyTorch(sharedFfn)['model.py']).toMatchFileSnapshot('shared-ffn.py.txt');
});

test('only the functions that the graph uses are printed, after those they call', () => {
  const rootOnly: Graph = {
    ...sharedFfn,
    kinds: [],
    stacks: [],
    root: {
      ...sharedFfn.root,
      nodes: sharedFfn.root.nodes.map((n) =>
        n.op.kind === 'stack' ? { ...n, op: { kind: 'scale', x: 1, by: 3 } } : n,
      ),
    },
  };
  const text = exportPyTorch(rootOnly)['model.py'];
  expect([...text.matchAll(/^def (\w+)/gm)].map((match) => match[1])).toEqual(['initialise']);
  expect(text).toContain('scaled = embed * 3.0');

  const all = exportPyTorch(sharedFfn)['model.py'];
  expect(all.indexOf('def turns')).toBeLessThan(all.indexOf('def rope_half'));
});

test('a norm of heads is the norm of each', () => {
  const [kind] = sharedFfn.kinds;
  const nodes = kind!.body.nodes.map((n) => (n.op.kind === 'rmsNorm' ? { ...n, op: { ...n.op, heads: 2 } } : n));
  const text = exportPyTorch({ ...sharedFfn, kinds: [{ ...kind!, body: { ...kind!.body, nodes } }] })['model.py'];
  expect(text).toContain('norm = self.norm(x.unflatten(-1, (2, -1))).flatten(-2)');
});

test('the execution table is printed in running order, ten to a line', () => {
  const stack = sharedFfn.stacks[0]!;
  const executions = Array.from({ length: 41 }, (_, slot) => ({ weightSet: slot % 2, slot }));
  const text = exportPyTorch({ ...sharedFfn, stacks: [{ ...stack, executions }] })['model.py'];
  const printed = /EXECUTIONS = (\[[^\]]*\])/.exec(text)?.[1] ?? '';
  expect(printed.match(/\d+/g)?.map(Number)).toEqual(executions.flatMap((e) => [e.weightSet, e.slot]));
  expect(printed.split('\n')).toHaveLength(7);
});

test('reserved names are changed, and equal names are numbered', () => {
  expect(identifier('lambda')).toBe('lambda_');
  expect(identifier('state')).toBe('state_');
  expect(identifier('values_2')).toBe('values_2_');
  expect(identifier('2-gate.proj')).toBe('_2_gate_proj');
  expect(distinct(['added', 'x', 'added', 'Added'])).toEqual(['added', 'x', 'added_2', 'Added_3']);
});

test('kinds whose names differ only in case stay two classes', () => {
  const kinds = [sharedFfn.kinds[0]!, { ...sharedFfn.kinds[0]!, name: 'Layer' }];
  const stacks = sharedFfn.stacks.map((s) => ({
    ...s,
    weightSets: s.weightSets.map((set, kind) => ({ ...set, kind })),
  }));
  const text = exportPyTorch({ ...sharedFfn, kinds, stacks })['model.py'];
  expect(text).toContain('nn.ModuleList([LayerBlock(), LayerBlock_2()])');
  expect(text).toContain('class LayerBlock(');
  expect(text).toContain('class LayerBlock_2(');
});

test('the second of two uses that differ reads the tensor of the module', () => {
  const [kind] = sharedFfn.kinds;
  // The second norm of the same gain has another epsilon.
  const nodes = kind!.body.nodes.map((n) =>
    n.id === 10 ? { ...n, op: { kind: 'rmsNorm', x: 9, gain: 0, eps: 1e-3, heads: 1 } as const } : n,
  );
  const text = exportPyTorch({ ...sharedFfn, kinds: [{ ...kind!, body: { ...kind!.body, nodes } }] })['model.py'];
  expect(text).toContain('self.norm = RMSNorm(8, eps=1e-5)');
  expect(text).toContain('norm = self.norm(x)');
  expect(text).toContain('norm_2 = rms_norm(up, self.norm.weight, eps=0.001)');
});

test('names that are no identifiers, and numbers that are no list, stay the names of the checkpoint', () => {
  const names = sharedFfn.weights.map((weight) => ({
    ...weight,
    name: weight.name.replace('layers.1', 'layers.7').replace('embed.', 'in-put.lambda.'),
  }));
  const root = { ...sharedFfn.root, params: [{ ...sharedFfn.root.params[0]!, name: 'in-put.lambda.weight' }] };
  const text = exportPyTorch({ ...sharedFfn, weights: names, root })['model.py'];
  expect(text).toContain('setattr(self, "in-put", nn.Module())');
  expect(text).toContain('setattr(getattr(self, "in-put"), "lambda", nn.Embedding(11, 8))');
  expect(text).toContain(
    'x = self.get_submodule(["layers.0","layers.7"][block])(x, cache.state(slot), self.shared.up)',
  );
});
