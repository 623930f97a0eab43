/**
 * A checkpoint in the form of facebook/MobileLLM-125M (its files, names and dtypes; small sizes,
 * random weights) generates text: in three commands, and in one. Base and layer-share.
 */
import { copyFile, cp, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sentencePieceToTokenizerJson } from '@lamella/checkpoint/sentencepiece/tokenizer-json';
import { torchFile } from '@lamella/checkpoint/test/torch-file';
import { f16Bits } from '@lamella/export/gguf/float16';
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { loadGraph } from 'lamella/load-graph';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { weightsOf } from '../conformance/weights.ts';

const tokenizerModel = fileURLToPath(
  new URL('../../packages/checkpoint/test/fixtures/spm/tokenizer.model', import.meta.url),
);
const prompt = 'Each block is executed twice';

let home: Scratch;
let vocab: number;
beforeAll(async () => {
  home = await scratch();
  const { tokenizer } = sentencePieceToTokenizerJson(await readFile(tokenizerModel), null, tokenizerModel);
  vocab = Object.keys((tokenizer.model as { vocab: object }).vocab).length;
});
afterAll(() => home.remove());

async function ok(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await home.lamella(...args);
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}
const json = async (...args: readonly string[]) => JSON.parse((await ok(...args, '--json')).stdout);

/** `value` as the nearest f16, for the numbers that occur here. */
function f16(value: number): number {
  const bits = f16Bits(value);
  const exponent = (bits >> 10) & 31;
  const significand = bits & 1023;
  const size = exponent === 0 ? significand * 2 ** -24 : (1024 + significand) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** The checkpoint's tensors: the conformance tests' weights, rounded to f16. */
const stored = (graph: Graph) => {
  const read = weightsOf(graph);
  return (weight: Graph['weights'][number]) => Float32Array.from(read(weight), f16);
};

/**
 * Makes the folder and imports it; `sharing` are the keys of `config.json` in which base and
 * layer-share differ.
 */
async function publish(name: string, sharing: object): Promise<Graph> {
  const folder = join(home.path, name);
  await mkdir(folder);
  const config = {
    architectures: ['MobileLLMForCausalLM'],
    auto_map: {
      AutoConfig: 'configuration_mobilellm.MobileLLMConfig',
      AutoModelForCausalLM: 'modeling_mobilellm.MobileLLMForCausalLM',
    },
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 1,
    eos_token_id: 2,
    head_dim: 8,
    hidden_act: 'silu',
    hidden_size: 24,
    initializer_range: 0.02,
    intermediate_size: 40,
    max_position_embeddings: 64,
    mlp_bias: false,
    model_type: 'mobilellm',
    num_attention_heads: 3,
    num_hidden_layers: 3,
    num_key_value_heads: 1,
    pretraining_tp: 1,
    rms_norm_eps: 1e-5,
    rope_scaling: null,
    rope_theta: 10_000.0,
    share_embedding: true,
    tie_word_embeddings: false,
    torch_dtype: 'float16',
    transformers_version: '4.41.2',
    vocab_size: vocab,
    ...sharing,
  };
  await writeFile(join(folder, 'README.md'), '# MobileLLM\n');
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'configuration_mobilellm.py'), '');
  await writeFile(join(folder, 'modeling_mobilellm.py'), '');
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ add_bos_token: true, add_eos_token: false, tokenizer_class: 'LlamaTokenizer' }),
  );
  await copyFile(tokenizerModel, join(folder, 'tokenizer.model'));
  await ok('import', name, '--out', `${name}.ts`);
  const graph = await loadGraph(join(home.path, `${name}.ts`));
  const values = stored(graph);
  const tensors = graph.weights.map((weight) => {
    const halves = Uint16Array.from(values(weight), f16Bits);
    return { name: weight.name, shape: weight.shape, dtype: 'F16', data: new Uint8Array(halves.buffer) } as const;
  });
  await writeFile(join(folder, 'pytorch_model.bin'), torchFile(tensors));
  return graph;
}

describe.each([
  ['MobileLLM-125M', { use_cache: true }, 3],
  ['MobileLLM-125M-layer-share', { layer_sharing: true, use_cache: false }, 6],
])('%s', (name, sharing, executions) => {
  let graph: Graph;
  let text: string;
  beforeAll(async () => {
    graph = await publish(name, sharing);
  });

  test('import, compile, run', async () => {
    expect(graph.stacks[0]?.executions).toHaveLength(executions);
    await ok('compile', `${name}.ts`, '--weights', name);
    const folder = join('out', graph.name);
    const { tokenizer } = JSON.parse(await readFile(join(home.path, folder, 'manifest.json'), 'utf8'));
    expect(tokenizer).toMatchObject({ before: [1], after: [], eos: [2], promptPrefix: '', promptSuffix: '' });
    const report = await json('run', folder, '--prompt', prompt, '--max-tokens', '8');
    expect(report.stats).toMatchObject({ generatedTokens: 8 });
    expect(report.text.length).toBeGreaterThan(0);
    text = (await ok('run', folder, '--prompt', prompt, '--max-tokens', '8')).stdout;
    expect(text).toBe(`${report.text}\n`);
  });

  test('one command, which compiles once', async () => {
    const args = ['run', name, '--prompt', prompt, '--max-tokens', '8'] as const;
    const first = await ok(...args);
    expect(first.stdout).toBe(text);
    expect(first.stderr).toContain(`compiling ${name} into ${join(home.path, 'cache', 'lamella', graph.name)}-`);
    const again = await ok(...args);
    expect(again.stdout).toBe(text);
    expect(again.stderr).not.toContain('compiling');
    const logits = await json('logits', name, '--tokens', '1,2,3');
    expect(logits).toEqual(await json('logits', join('out', graph.name), '--tokens', '1,2,3'));
    // A changed modification time makes it another checkpoint.
    await utimes(join(home.path, name, 'pytorch_model.bin'), 1, 1);
    expect((await ok(...args)).stderr).toContain('compiling');
    const made = await readdir(join(home.path, 'cache', 'lamella'));
    expect(made.filter((file) => new RegExp(`^${graph.name}-[0-9a-f]{12}$`).test(file))).toHaveLength(2);
  });

  test('in f32 the logits are the oracle’s, token for token', async () => {
    await ok('compile', `${name}.ts`, '--weights', name, '--quant', 'f32', '--out', `${name}-f32`);
    const tokens = [1, 300, 5, vocab - 1, 300, 42, 7];
    const expected = sequence(graph, stored(graph), tokens, { quant: 'f32' });
    const { logits } = await json('logits', `${name}-f32`, '--tokens', tokens.join(), '--all');
    const largest = Math.max(...expected.flatMap((row) => [...row]).map(Math.abs));
    const worst = Math.max(...expected.flatMap((row, t) => [...row].map((x, i) => Math.abs(x - logits[t][i]))));
    expect(worst / largest).toBeLessThan(1e-4);
  });

  test('llama.cpp’s file, with the tokenizer', async () => {
    const { stdout } = await ok('export', `${name}.ts`, '--to', 'gguf', '--weights', name, '--out', `${name}.gguf`);
    expect(stdout).toMatch(new RegExp(`^${name}.gguf: ${executions} layers, f32, [^;]*\\n$`));
    expect((await readFile(join(home.path, `${name}.gguf`))).subarray(0, 4).toString()).toBe('GGUF');
  });
});

test('a cache that cannot be created is refused with a remedy', async () => {
  const other = await scratch();
  await cp(join(home.path, 'MobileLLM-125M'), join(other.path, 'checkpoint'), { recursive: true });
  await writeFile(join(other.path, 'cache'), 'a file, not a folder');
  await other.refuses(['run', 'checkpoint', '--tokens', '1'], 'L301', 'XDG_CACHE_HOME');
  await other.remove();
});
