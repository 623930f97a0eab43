/**
 * Compares the exported PyTorch module with the oracle (two implementations of the same maths that
 * share no code) and with the compiled package, with the assistant's trained weights.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import {
  add,
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mul,
  rmsNorm,
  rope,
  scale,
  share,
  silu,
  stack,
  swiglu,
} from '@lamella/dsl';
import { exportPyTorch } from '@lamella/export/pytorch/export';
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import assistant from '../../graphs/assistant.ts';
import { optionModels } from '../conformance/heads.ts';
import { model, orders } from '../conformance/models.ts';
import { primitives } from '../conformance/primitives.ts';
import { sharedStates } from '../conformance/shared-state.ts';
import { checkpointOf, weightsOf } from '../conformance/weights.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-pytorch-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Exports the graph and runs it in Python with the weights of `file`. Returns [t][vocab]. */
function pytorchLogits(graph: Graph, file: string, tokens: readonly number[]): number[][] {
  for (const [name, text] of Object.entries(exportPyTorch(graph))) writeFileSync(join(folder, name), text);
  const printed = execFileSync(process.env.PYTHON ?? 'python3', ['logits.py', file, tokens.join(',')], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' },
  });
  return (JSON.parse(printed) as { logits: number[][] }).logits;
}

/** The largest difference, as a share of the largest logit expected. Both are [t][vocab]. */
function difference(got: readonly (readonly number[])[], expected: readonly ArrayLike<number>[]): number {
  expect(got).toHaveLength(expected.length);
  const rows = expected.map((row) => Array.from(row));
  const largest = Math.max(...rows.flat().map(Math.abs));
  return Math.max(...rows.flatMap((row, t) => row.map((x, i) => Math.abs(x - (got[t]?.[i] ?? Number.NaN))))) / largest;
}

/**
 * Adjacent pairs in the rotation, biases, a factor, and one FFN for both weight sets, which run A B
 * B A.
 */
function everyOperation(): Graph {
  const { t, d, vocab } = dims({ t: 32, d: 32, vocab: 51 });
  const ff = dims({ ff: 48 }).ff;
  const mlp = swiglu(d, ff);
  const attention = { heads: 4, kvHeads: 2, headDim: 8, rope: rope(500, { pairing: 'adjacent' }) } as const;
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), attn: gqa(d, attention), gate: linear(d, d, { bias: true }), mlp }),
    (w, x) => {
      const n = w.norm(x);
      return add(add(x, mul(silu(w.gate(n)), w.attn(n))), scale(w.mlp(n), 0.5));
    },
  );
  return defineModel(
    'every-operation',
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: stack(2, layer, share.reverse()), norm: rmsNorm(d) }),
    (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
  );
}

const graphs: Readonly<Record<string, Graph>> = {
  'every operation, a shared FFN': everyOperation(),
  ...Object.fromEntries(
    Object.entries(orders).map(([name, share]) => [`order ${name}`, model({ layers: 3, ...(share ? { share } : {}) })]),
  ),
  'untied, headDim 52, odd vocabulary': model({ tied: false, d: 104, heads: 4, kvHeads: 1, headDim: 52, vocab: 97 }),
  'without rotation': model({ rope: false }),
  ...Object.fromEntries(Object.entries(primitives).map(([name, make]) => [name, make()])),
  ...Object.fromEntries(Object.entries(sharedStates).map(([name, make]) => [name, make()])),
  ...Object.fromEntries(optionModels().map((graph) => [graph.name, graph])),
};

describe('PyTorch and the oracle agree to 1e-4 of the largest logit', () => {
  test.each(Object.entries(graphs))('%s', async (_, graph) => {
    const tokens = Array.from({ length: Math.min(40, graph.tokens.size) }, (_, i) => (i * i * 7 + 3) % graph.vocab);
    const expected = sequence(graph, weightsOf(graph), tokens, { quant: 'f32' });
    const { tensors, read } = checkpointOf(graph, weightsOf(graph));
    await writeSafetensors(join(folder, 'w.safetensors'), tensors, read);
    expect(difference(pytorchLogits(graph, 'w.safetensors', tokens), expected)).toBeLessThan(1e-4);
  });
});

test('PyTorch and the compiled assistant agree to 1e-4 of the largest logit', () => {
  const weights = join(root, 'graphs/assistant/model.safetensors');
  const lamella = (...args: readonly string[]) =>
    execFileSync(process.execPath, [join(root, 'packages/cli/bin/lamella.js'), ...args], {
      encoding: 'utf8',
      cwd: root,
    });
  const tokens = [
    256,
    ...Buffer.from('Email ana@example.com about the picnic'),
    258,
    ...Buffer.from('{"name":"send_email","argu'),
  ];

  const out = join(folder, 'package');
  lamella('compile', 'graphs/assistant.ts', '--weights', weights, '--quant', 'f32', '--out', out);
  const compiled = lamella('logits', out, '--tokens', tokens.join(','), '--all', '--json');
  const { logits } = JSON.parse(compiled) as { logits: number[][] };
  expect(difference(logits, pytorchLogits(assistant, weights, tokens))).toBeLessThan(1e-4);
});
