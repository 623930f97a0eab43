/** The exported PyTorch module against the oracle: two writings of the same maths that share no line. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { exportPyTorch } from '@lamella/pytorch/export';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedFfn } from '../../packages/pytorch/test/sharedFfn.ts';
import { model, orders } from '../conformance/models.ts';
import { weightsOf } from '../conformance/weights.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-pytorch-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Exports the graph and its weights, and has Python run them. Returns [t][vocab]. */
async function pytorchLogits(graph: Graph, tokens: readonly number[]): Promise<number[][]> {
  for (const [name, text] of Object.entries(exportPyTorch(graph))) writeFileSync(join(folder, name), text);
  await writeSafetensors(join(folder, 'w.safetensors'), graph.weights, weightsOf(graph));
  const printed = execFileSync(process.env['PYTHON'] ?? 'python3', ['logits.py', 'w.safetensors', tokens.join(',')], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' },
  });
  return (JSON.parse(printed) as { logits: number[][] }).logits;
}

const graphs: Readonly<Record<string, Graph>> = {
  'every operation, a shared FFN': sharedFfn,
  ...Object.fromEntries(
    Object.entries(orders).map(([name, share]) => [`order ${name}`, model({ layers: 3, ...(share ? { share } : {}) })]),
  ),
  'untied, headDim 52, odd vocabulary': model({ tied: false, d: 104, heads: 4, kvHeads: 1, headDim: 52, vocab: 97 }),
  'without rotation': model({ rope: false }),
};

describe('PyTorch and the oracle agree to 1e-4 of the largest logit', () => {
  test.each(Object.entries(graphs))('%s', async (_, graph) => {
    const tokens = Array.from({ length: Math.min(40, graph.tokens.size) }, (_, i) => (i * i * 7 + 3) % graph.vocab);
    const expected = sequence(graph, weightsOf(graph), tokens, { quant: 'f32' });
    const got = await pytorchLogits(graph, tokens);
    const largest = Math.max(...expected.flatMap((row) => [...row].map(Math.abs)));
    const worst = Math.max(...expected.flatMap((row, t) => [...row].map((x, i) => Math.abs(x - got[t]![i]!))));
    expect(worst / largest).toBeLessThan(1e-4);
  });
});
