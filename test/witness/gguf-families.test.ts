/**
 * Every architecture that is imported from GGUF, against llama.cpp on the same file: the graph that the import writes, with the weights of the
 * file, in the f64 oracle. The files are made as llama.cpp's converter makes them. 48 tokens, each given, beyond every window; every logit
 * within 1e-4 of the largest. Skipped where there is no llama.cpp for the machine.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { llamaCppFolder, openLlamaCpp } from '@lamella/bench/llama-cpp/binding';
import { importModel } from '@lamella/checkpoint/model';
import { openWeights } from '@lamella/checkpoint/open';
import { checkpointOf, converted, families } from '@lamella/checkpoint/test/gguf-converted';
import { ggufFile, value } from '@lamella/checkpoint/test/gguf-file';
import { graphOf } from '@lamella/cli/load-graph';
import { sequence } from '@lamella/graph/oracle/sequence';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { relativeError } from '../conformance/rig.ts';

const TOKENS = 48;
/** llama.cpp looks GELU up in a table of F16, and has the form by tanh for both forms. */
const gelu = { gptneox: 3e-3, gemma3: 3e-3 } as Readonly<Record<string, number>>;
/** LFM2 waits for `causalConv` in the DSL. */
const comparable = Object.entries(families).filter(
  ([, { architecture, otherwise }]) => architecture !== 'lfm2' && otherwise === undefined,
);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** In -0.5 to 0.5, from a hash. */
function noise(id: number, i: number): number {
  let state = Math.imul(id + 1, 0x9e3779b9) ^ Math.imul(i + 1, 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
  return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32 - 0.5;
}

test.skipIf(llamaCppFolder === null).each(comparable)('%s', async (_, family) => {
  const { architecture, config } = family;
  const tensors = checkpointOf(family, (id, i, name, shape) => {
    const unit = noise(id, i);
    // Gemma stores its gains less 1
    if (/norm.*\.weight$/.test(name)) return (architecture === 'gemma3' ? 0 : 1) + unit / 2;
    return shape.length === 1 ? unit / 4 : (3 * unit) / Math.sqrt(shape.at(-1)!);
  });
  const { pairs, tensors: stored } = converted(family, tensors);
  const file = path.join(folder, `${architecture}.gguf`);
  await writeFile(file, ggufFile([...pairs, ['tokenizer.ggml.model', value.string('none')]], stored));

  const { source } = await importModel(file);
  const graph = await graphOf(source, file);
  const weights = await openWeights(file, graph);
  const values = await Promise.all(graph.weights.map((weight) => weights.read(weight)));
  await weights.close();
  const vocab = Number(config.vocab_size);
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * i * 7 + 3) % vocab);
  const here = sequence(graph, (weight) => values[weight.id]!, tokens, { quant: 'f32' });

  const llama = await openLlamaCpp(file, vocab, TOKENS);
  const errors: number[] = [];
  for (const [i, token] of tokens.entries())
    errors.push(relativeError(Float32Array.from(here[i]!), await llama.decode(token)));
  await llama.close();
  expect(Math.max(...errors)).toBeLessThan(gelu[architecture] ?? 1e-4);
});
