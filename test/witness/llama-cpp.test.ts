/**
 * Compares the compiled f32 module with llama.cpp on the GGUF file exported from the same graph:
 * two runtimes that share no code except the exporter. 64 teacher-forced tokens; F32 weights and KV
 * cache; every logit within 1e-4 of the largest. A tokenizer in the file gives the same ids in
 * llama.cpp as here. Skipped if there is no llama.cpp for the machine.
 */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { llamaCppFolder, openLlamaCpp } from '@lamella/bench/llama-cpp/binding';
import { ggufTokenizer } from '@lamella/checkpoint/gguf/model';
import { preTokenizerJson, preTokenizers } from '@lamella/checkpoint/gguf/pre-tokenizers';
import { importModel } from '@lamella/checkpoint/model';
import { openWeights } from '@lamella/checkpoint/open';
import { rope, ropeScaling } from '@lamella/dsl';
import { exportGguf, type GgufOptions, type GgufPlan } from '@lamella/export/gguf/export';
import type { Graph, Weight } from '@lamella/graph/ir';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { graphOf } from 'lamella/load-graph';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { model, orders } from '../conformance/models.ts';
import { relativeError, rig } from '../conformance/rig.ts';
import { weightsOf } from '../conformance/weights.ts';
import { biased, fused, rotated } from './llama-cpp-models.ts';
import { byteLevelJson, mixedLines, sentencePieceJson } from './llama-cpp-tokenizers.ts';

const TOKENS = 64;
const tokensOf = (graph: Graph): number[] => Array.from({ length: TOKENS }, (_, i) => (i * i * 7 + 3) % graph.vocab);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Exports the graph with the weights of `weightsOf`. */
async function write(graph: Graph, options: GgufOptions): Promise<{ readonly file: string; readonly plan: GgufPlan }> {
  const file = path.join(folder, `${graph.name}-${options.type}.gguf`);
  const weightOf = weightsOf(graph);
  const handle = await open(file, 'w');
  try {
    const source = { read: async (weight: Weight) => weightOf(weight), close: async () => {} };
    const plan = await exportGguf(graph, source, options, (bytes) => handle.writeFile(bytes));
    return { file, plan };
  } finally {
    await handle.close();
  }
}

/** The largest difference at each position, relative to the largest logit there. */
async function differences(graph: Graph, file: string): Promise<number[]> {
  const llama = await openLlamaCpp(file, graph.vocab, TOKENS);
  const compiled = await rig(graph, weightsOf(graph), 'f32');
  const each: number[] = [];
  for (const token of tokensOf(graph)) {
    compiled.decode(token);
    each.push(relativeError(compiled.logits, await llama.decode(token)));
  }
  await llama.close();
  return each;
}

const wide = { layers: 3, d: 96, heads: 3, kvHeads: 1, headDim: 64, vocab: 300 } as const;
const llama3 = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 40 };
const graphs: Readonly<Record<string, Graph>> = {
  'base, headDim 64, GQA': model(wide),
  'LS: every block twice in a row': model({ ...wide, share: orders.immediate }),
  'reverse, untied': model({ ...wide, tied: false, share: orders.reverse }),
  'biases, two stacks': biased,
  'weights that are parts of tensors': fused,
  'rotated neighbours': rotated('adjacent', rope(500, { pairing: 'adjacent' })),
  'linear scaling': rotated('linear', rope(500, { scaling: ropeScaling.linear(4) })),
  'scaling of Llama 3': rotated('llama3', rope(500, { scaling: ropeScaling.llama3(llama3) })),
  YaRN: rotated('yarn', rope(500, { scaling: ropeScaling.yarn({ factor: 4, originalContext: 16 }) })),
  'YaRN with an attention factor': rotated(
    'yarn-attention',
    rope(500, { scaling: ropeScaling.yarn({ factor: 4, originalContext: 40, attentionFactor: 1.3 }) }),
  ),
  'a factor for each pair': rotated(
    'factors',
    rope(500, { scaling: ropeScaling.factors([1, 1.1, 1.5, 2, 3, 4, 5, 6], { attentionFactor: 1.2 }) }),
  ),
};

describe.skipIf(llamaCppFolder === null)('compiled logits equal those of llama.cpp', () => {
  test.each(Object.entries(graphs))('%s: to 1e-4 of the largest, at each of 64 tokens', async (_, graph) => {
    const { file } = await write(graph, { type: 'f32' });
    expect(Math.max(...(await differences(graph, file)))).toBeLessThan(1e-4);
  });

  test('in one prefill, read at every position', async () => {
    const graph = model({ ...wide, share: orders.immediate });
    const { file } = await write(graph, { type: 'f32' });
    const llama = await openLlamaCpp(file, graph.vocab, TOKENS);
    const expected = await llama.prefill(tokensOf(graph));
    await llama.close();
    const compiled = await rig(graph, weightsOf(graph), 'f32');
    tokensOf(graph).forEach((token, i) => {
      compiled.decode(token);
      expect(relativeError(compiled.logits, expected[i]!)).toBeLessThan(1e-4);
    });
  });

  // llama.cpp rounds the activations of a product to the type of the weights, so these only agree
  // approximately.
  test.each([
    ['f16', 3e-3],
    ['q8_0', 5e-2],
    ['q4_0', 0.3],
  ] as const)('nearly, from %s weights', async (type, bound) => {
    const { file } = await write(model(wide), { type });
    const worst = Math.max(...(await differences(model(wide), file)));
    expect(worst).toBeLessThan(bound);
  });
});

describe.skipIf(llamaCppFolder === null)('a file is read here as it is there', () => {
  test.each(Object.entries(graphs))(
    '%s: the imported graph with the weights of the file, to 1e-4 of the largest',
    async (_, graph) => {
      const { file } = await write(graph, { type: 'f32' });
      const { source } = await importModel(file);
      const imported = await graphOf(source, file);
      const weights = await openWeights(file, imported);
      const values = await Promise.all(imported.weights.map((weight) => weights.read(weight)));
      await weights.close();
      const compiled = await rig(imported, (weight) => values[weight.id]!, 'f32');
      const llama = await openLlamaCpp(file, graph.vocab, TOKENS);
      for (const token of tokensOf(graph)) {
        compiled.decode(token);
        expect(relativeError(compiled.logits, await llama.decode(token))).toBeLessThan(1e-4);
      }
      await llama.close();
    },
  );
});

describe.skipIf(llamaCppFolder === null)('a tokenizer in the file gives the ids that it gives here', () => {
  // llama.cpp does not normalize
  const texts = mixedLines().map((line, i) => (i % 2 ? line : `${line}\n${line}`).normalize('NFC'));
  const assistant = new URL('../../graphs/assistant/tokenizer.json', import.meta.url);
  test.each([
    ['bytes without merges', () => readFile(assistant, 'utf8')],
    ['byte-level BPE', byteLevelJson],
    ['SentencePiece BPE with byte fallback', sentencePieceJson],
    ...preTokenizers.map((pre): [string, () => string] => {
      const { normalizer, ignoresMerges } = pre;
      const parts = { normalizer, pre_tokenizer: preTokenizerJson(pre), ignore_merges: ignoresMerges };
      return [`byte-level BPE cut as in ${pre.names[0]}`, () => byteLevelJson(parts)];
    }),
  ])('%s, and so it does when it is read from the file', async (_, read) => {
    const json = await read();
    const here = tokenizerFrom(JSON.parse(json));
    const graph = model({ vocab: 2000 });
    const plain = { config: '{}', before: [1], after: [], promptPrefix: '', promptSuffix: '' };
    // llama.cpp reads three end tokens.
    const tokenizer = { file: 'tokenizer.json', json, eos: [2, 5, 6], ...plain };
    const { file, plan } = await write(graph, { type: 'f32', tokenizer });
    expect(plan.madeUpVocabulary).toBeNull();
    const llama = await openLlamaCpp(file, graph.vocab, TOKENS);
    const there = texts.map((text) => llama.tokenize(text));
    await llama.close();
    const expected = texts.map((text) => here.encode(text));
    expect(there).toEqual(expected);
    const again = tokenizerFrom((await ggufTokenizer(file))!.tokenizer);
    expect(texts.map((text) => again.encode(text))).toEqual(expected);
    expect(texts.map((text) => again.decode(again.encode(text)))).toEqual(
      texts.map((text) => here.decode(here.encode(text))),
    );
  });
});
