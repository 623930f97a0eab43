/**
 * Compares MobileLLM-125M and 125M-LS at their published size (arXiv 2402.14905, table 1 and
 * section 3.4) with llama.cpp, on their exported F32 GGUF files with the weights of `random:1`: 64
 * teacher-forced tokens. The shared one is exported as 60 layers.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLlamaCpp } from '@lamella/bench/llama-cpp/binding';
import { openWeights } from '@lamella/checkpoint/open';
import { exportGguf } from '@lamella/export/gguf/export';
import { loadGraph } from 'lamella/load-graph';
import { expect, test } from 'vitest';
import { relativeError, rig } from '../conformance/rig.ts';

const TOKENS = 64;
/** About 20 s per model on a quiet machine; 0.5 and 0.9 GB are written and read. */
const timeoutMs = 600_000;

test.each([
  { name: 'mobilellm-125m', layers: 30 },
  { name: 'mobilellm-125m-ls', layers: 60 },
])(
  '$name of random:1 agrees with llama.cpp',
  async ({ name, layers }) => {
    const graph = await loadGraph(fileURLToPath(new URL(`../../graphs/${name}.ts`, import.meta.url)));
    const folder = await mkdtemp(path.join(tmpdir(), 'lamella-witness-'));
    try {
      const file = path.join(folder, 'model.gguf');
      const source = await openWeights('random:1', graph);
      const handle = await open(file, 'w');
      const plan = await exportGguf(graph, source, { type: 'f32' }, (bytes) => handle.writeFile(bytes));
      await handle.close();
      expect(plan.layers).toBe(layers);

      const read = await Promise.all(graph.weights.map((weight) => source.read(weight)));
      const compiled = await rig(graph, (weight) => read[weight.id]!, 'f32');
      const llama = await openLlamaCpp(file, graph.vocab, TOKENS);
      const differences: number[] = [];
      for (let i = 0; i < TOKENS; i++) {
        const token = (i * 7919 + 300) % graph.vocab;
        compiled.decode(token);
        differences.push(relativeError(compiled.logits, await llama.decode(token)));
      }
      await llama.close();
      const worst = Math.max(...differences);
      console.log(
        `${name}: ${worst.toExponential(2)} of the largest logit at most, at position ${differences.indexOf(worst)}`,
      );
      expect(worst).toBeLessThan(1e-4);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  timeoutMs,
);
