/**
 * Compares the exported PyTorch module with the oracle (two implementations of the same maths that
 * share no code) and with the compiled package, with the assistant's trained weights.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { checkpointTensors, type Graph } from '@lamella/graph/ir';
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

/** What PyTorch computes of one graph. */
interface Computed {
  /** [t][vocab] */
  readonly logits: number[][];
  /** Largest differences of other ways to the same logits, as a share of the largest logit. */
  readonly cached: number;
  readonly traced: number;
  readonly names: readonly string[];
}

/** Runs the exported modules in one process: `folders` have `w.safetensors` and `tokens.json`. */
const program = `
import importlib, json, sys
import torch
found = []
for folder in json.load(sys.stdin):
    sys.path.insert(0, folder)
    for name in ("model", "checkpoint"):
        sys.modules.pop(name, None)
    model, checkpoint = importlib.import_module("model"), importlib.import_module("checkpoint")
    sys.path.pop(0)
    net, tokens = model.Model(), torch.tensor([json.load(open(folder + "/tokens.json"))])
    net.load_state_dict(checkpoint.load(folder + "/w.safetensors"))
    with torch.no_grad():
        logits, cache = net(tokens), model.Cache()
        # One token, three, one, and the others.
        parts = [net.run(part, cache) for part in tokens.split([1, 3, 1, tokens.shape[1] - 5], 1)]
        traced = torch.fx.symbolic_trace(net)(tokens)
    off = lambda other: ((other - logits).abs().max() / logits.abs().max()).item()
    names = list(net.state_dict())
    found.append({"logits": logits[0].tolist(), "cached": off(torch.cat(parts, 1)), "traced": off(traced), "names": names})
print(json.dumps(found))
`;

/** Runs Python in the folder of a test. */
function python(args: readonly string[], input = '', cwd = folder): string {
  return execFileSync(process.env.PYTHON ?? 'python3', args, {
    cwd,
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' },
  });
}

/** Exports a graph into a new folder. */
function exported(graph: Graph, name: string): string {
  const into = join(folder, name);
  mkdirSync(into);
  for (const [file, text] of Object.entries(exportPyTorch(graph))) writeFileSync(join(into, file), text);
  return into;
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

const tokensOf = ({ tokens, vocab }: Graph): readonly number[] =>
  Array.from({ length: Math.min(40, tokens.size) }, (_, i) => (i * i * 7 + 3) % vocab);

describe('PyTorch and the oracle agree to 1e-4 of the largest logit, with a cache and as a symbolic trace too', () => {
  const computed = new Map<string, Computed>();
  beforeAll(async () => {
    const folders: string[] = [];
    for (const [i, graph] of Object.values(graphs).entries()) {
      const into = exported(graph, `graph-${i}`);
      const { tensors, read } = checkpointOf(graph, weightsOf(graph));
      await writeSafetensors(join(into, 'w.safetensors'), tensors, read);
      writeFileSync(join(into, 'tokens.json'), JSON.stringify(tokensOf(graph)));
      folders.push(into);
    }
    const found = JSON.parse(python(['-c', program], JSON.stringify(folders))) as Computed[];
    for (const [i, name] of Object.keys(graphs).entries()) computed.set(name, found[i]!);
  });

  test.each(Object.entries(graphs))('%s', (name, graph) => {
    const { logits, cached, traced, names } = computed.get(name)!;
    const expected = sequence(graph, weightsOf(graph), tokensOf(graph), { quant: 'f32' });
    expect(difference(logits, expected)).toBeLessThan(1e-4);
    expect(cached).toBeLessThan(1e-4);
    expect(traced).toBe(0);
    expect([...names].sort()).toEqual(
      checkpointTensors(graph)
        .map((tensor) => tensor.name)
        .sort(),
    );
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
  const printed = python(['logits.py', weights, tokens.join(',')], '', exported(assistant, 'assistant'));
  expect(difference(logits, (JSON.parse(printed) as Computed).logits)).toBeLessThan(1e-4);
});
