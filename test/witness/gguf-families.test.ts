/**
 * Compares every architecture of the GGUF table with llama.cpp on the same file, in both
 * directions. In: the graph that the import writes, with the weights of the file, in the f64 oracle
 * and compiled; the files are made as llama.cpp's converter makes them. Out: the graph of the
 * family's `config.json`, in the oracle, and the file that our export writes of it. 48
 * teacher-forced tokens, beyond every window; every logit within 1e-4 of the largest. Skipped if
 * there is no llama.cpp for the machine.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { llamaCppFolder, openLlamaCpp } from '@lamella/bench/llama-cpp/binding';
import { importModel } from '@lamella/checkpoint/model';
import { openWeights } from '@lamella/checkpoint/open';
import { checkpointOf, converted, type Family, families, type Stored } from '@lamella/checkpoint/test/gguf-converted';
import { ggufFile, value } from '@lamella/checkpoint/test/gguf-file';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import { exportGguf } from '@lamella/export/gguf/export';
import type { Weight } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { graphOf } from 'lamella/load-graph';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { relativeError, rig } from '../conformance/rig.ts';

const TOKENS = 48;
/** llama.cpp reads GELU from a table of F16, and uses the tanh form for both forms. */
const gelu = { gptneox: 3e-3, gemma3: 3e-3 } as Readonly<Record<string, number>>;
const comparable = Object.entries(families).filter(([, { otherwise }]) => otherwise === undefined);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A number in -0.5 to 0.5, from a hash. */
function noise(id: number, i: number): number {
  let state = Math.imul(id + 1, 0x9e3779b9) ^ Math.imul(i + 1, 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
  return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32 - 0.5;
}

function tensorsOf(family: Family): readonly Stored[] {
  return checkpointOf(family, (id, i, name, shape) => {
    const unit = noise(id, i);
    // Gemma stores gains minus 1
    if (/norm.*\.weight$/.test(name)) return (family.architecture === 'gemma3' ? 0 : 1) + unit / 2;
    return shape.length === 1 ? unit / 4 : (3 * unit) / Math.sqrt(shape.at(-1)!);
  });
}

test.skipIf(llamaCppFolder === null).each(comparable)('%s, imported', async (_, family) => {
  const { architecture, config } = family;
  const tensors = tensorsOf(family);
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
  const weightOf = (weight: Weight) => values[weight.id]!;
  const oracle = sequence(graph, weightOf, tokens, { quant: 'f32' });
  const compiled = await rig(graph, weightOf, 'f32');

  const llama = await openLlamaCpp(file, vocab, TOKENS);
  const [oracleErrors, compiledErrors]: [number[], number[]] = [[], []];
  for (const [i, token] of tokens.entries()) {
    const there = await llama.decode(token);
    oracleErrors.push(relativeError(Float32Array.from(oracle[i]!), there));
    compiled.decode(token);
    compiledErrors.push(relativeError(compiled.logits, there));
  }
  await llama.close();
  const bound = gelu[architecture] ?? 1e-4;
  expect(Math.max(...oracleErrors)).toBeLessThan(bound);
  expect(Math.max(...compiledErrors)).toBeLessThan(bound);
});

test.skipIf(llamaCppFolder === null).each(comparable)('%s, exported', async (name, family) => {
  const { architecture, config } = family;
  const hub = path.join(folder, name);
  await mkdir(hub);
  await writeFile(path.join(hub, 'config.json'), JSON.stringify(config));
  const graph = await graphOf((await importModel(hub)).source, path.join(hub, 'graph.ts'));
  await writeSafetensors(path.join(hub, 'model.safetensors'), tensorsOf(family), ({ values }) => values);
  const weights = await openWeights(hub, graph);
  const values = await Promise.all(graph.weights.map((weight) => weights.read(weight)));
  const file = path.join(folder, `${name}.gguf`);
  const chunks: Uint8Array[] = [];
  const plan = await exportGguf(graph, weights, { type: 'f32' }, async (bytes) => {
    chunks.push(bytes);
  });
  await writeFile(file, Buffer.concat(chunks));
  await weights.close();
  expect(plan.architecture).toBe(architecture);

  const vocab = Number(config.vocab_size);
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * i * 7 + 3) % vocab);
  const oracle = sequence(graph, (weight) => values[weight.id]!, tokens, { quant: 'f32' });
  const llama = await openLlamaCpp(file, vocab, TOKENS);
  const errors: number[] = [];
  for (const [i, token] of tokens.entries()) {
    errors.push(relativeError(Float32Array.from(oracle[i]!), await llama.decode(token)));
  }
  await llama.close();
  expect(Math.max(...errors)).toBeLessThan(gelu[architecture] ?? 1e-4);
});
