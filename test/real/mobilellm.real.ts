/**
 * MobileLLM-125M's released files, except that the weights are random and there are fewer layers:
 * one command answers.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import { torchFile } from '@lamella/checkpoint/test/torch-file';
import { f16Bits } from '@lamella/export/gguf/float16';
import { loadGraph } from 'lamella/load-graph';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { real } from './folder.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await home.lamella(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

test('lamella run MobileLLM-125M --prompt', async () => {
  const folder = join(home.path, 'MobileLLM-125M');
  await mkdir(folder);
  const config = JSON.parse(await readFile(real('configs', 'MobileLLM-125M~', 'config.json'), 'utf8'));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: 2 }));
  for (const name of ['tokenizer.model', 'tokenizer_config.json']) {
    await copyFile(real('llama2-tokenizer', name), join(folder, name));
  }
  for (const name of ['README.md', 'configuration_mobilellm.py', 'modeling_mobilellm.py']) {
    await writeFile(join(folder, name), '');
  }
  await ok('import', 'MobileLLM-125M', '--out', 'graph.ts');
  const graph = await loadGraph(join(home.path, 'graph.ts'));
  const tensors = graph.weights.map((weight) => {
    const halves = Uint16Array.from(randomTensor(1, weight), f16Bits);
    return { name: weight.name, shape: weight.shape, dtype: 'F16', data: new Uint8Array(halves.buffer) } as const;
  });
  await writeFile(join(folder, 'pytorch_model.bin'), torchFile(tensors));

  const run = async (...prompt: readonly string[]) =>
    JSON.parse(await ok('run', 'MobileLLM-125M', ...prompt, '--max-tokens', '8', '--json'));
  const answer = await run('--prompt', 'Thin and deep');
  expect(answer.tokens).toHaveLength(8);
  // LLaMA's ids of the text, with BOS first
  const { tokens, stats } = await run('--tokens', '1,498,262,322,6483');
  expect([answer.stats.promptTokens, answer.tokens]).toEqual([stats.promptTokens, tokens]);
  expect((await run('--prompt', '')).stats.promptTokens).toBe(1);
});
