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
  expect([...text.matchAll(/^def (\w+)/gm)].map((match) => match[1])).toEqual(['embed', 'linear', 'under']);
  expect(text).toContain('scaled = embed_ * 3.0');

  const all = exportPyTorch(sharedFfn)['model.py'];
  expect(all.indexOf('def rope_table')).toBeLessThan(all.indexOf('def rope_half'));
});

test('a norm of heads is the norm of each', () => {
  const [kind] = sharedFfn.kinds;
  const nodes = kind!.body.nodes.map((n) => (n.op.kind === 'rmsNorm' ? { ...n, op: { ...n.op, heads: 2 } } : n));
  const text = exportPyTorch({ ...sharedFfn, kinds: [{ ...kind!, body: { ...kind!.body, nodes } }] })['model.py'];
  expect(text).toContain('norm = head_norm(x, w["norm.weight"], heads=2, eps=1e-5)');
  expect(text.indexOf('def rms_norm')).toBeLessThan(text.indexOf('def head_norm'));
});

test('the execution table is printed in running order, twenty to a line', () => {
  const stack = sharedFfn.stacks[0]!;
  const executions = Array.from({ length: 41 }, (_, slot) => ({ weightSet: slot % 2, slot }));
  const text = exportPyTorch({ ...sharedFfn, stacks: [{ ...stack, executions }] })['model.py'];
  const printed = /EXECUTIONS = (\[[^\]]*\])/.exec(text)?.[1] ?? '';
  expect(printed.match(/\d+/g)?.map(Number)).toEqual(executions.map((e) => e.weightSet));
  expect(printed.split('\n')).toHaveLength(5);
});

test('reserved names are changed, and equal names are numbered', () => {
  expect(identifier('lambda')).toBe('lambda_');
  expect(identifier('silu')).toBe('silu_');
  expect(identifier('2-gate.proj')).toBe('_2_gate_proj');
  expect(distinct(['added', 'x', 'added', 'Added'])).toEqual(['added', 'x', 'added_2', 'Added_3']);
});

test('kinds whose names differ only in case stay two functions', () => {
  const kinds = [sharedFfn.kinds[0]!, { ...sharedFfn.kinds[0]!, name: 'Layer' }];
  const text = exportPyTorch({ ...sharedFfn, kinds })['model.py'];
  expect(text).toContain('def block_layer(');
  expect(text).toContain('def block_layer_2(');
});
