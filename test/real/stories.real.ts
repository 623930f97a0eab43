/**
 * A small trained Llama (260 thousand parameters): its greedy text in f32, and the differences of
 * q8 and q4 from it.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatNames } from '@lamella/runtime/choices';
import { openPackage } from 'lamella/open-package';
import { addFormatTokenizer, fuzzFormats } from 'lamella/test/fuzz-formats';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { real } from './folder.ts';

const model = real('stories260K');
const { ids: expected } = JSON.parse(readFileSync(join(model, 'expected-greedy-256.json'), 'utf8')) as {
  ids: number[];
};
/** The measured text: the model's own, from BOS on. */
const text = [1, ...expected].slice(0, 200);

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  await json('import', model, '--out', 'stories.ts');
  for (const quant of formatNames) {
    await json('compile', 'stories.ts', '--weights', model, '--quant', quant, '--out', quant);
  }
});
afterAll(() => home.remove());

async function json(command: string, ...args: readonly string[]) {
  const reports = ['run', 'logits'].includes(command);
  const { code, stdout, stderr } = await home.lamella(command, ...args, ...(reports ? ['--json'] : []));
  expect(code, stderr).toBe(0);
  return reports ? JSON.parse(stdout) : null;
}

/** Natural logarithms of the probabilities. */
function logProbabilities(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(sum));
}

async function distributions(quant: string): Promise<number[][]> {
  const { logits } = await json('logits', quant, '--tokens', text.join(), '--all');
  return (logits as number[][]).map(logProbabilities);
}

/** Mean over positions of the sum of p (log p - log q), in nats. */
function meanKl(p: readonly (readonly number[])[], q: readonly (readonly number[])[]): number {
  const of = (at: number) => p[at]!.reduce((sum, log, id) => sum + Math.exp(log) * (log - q[at]![id]!), 0);
  return p.reduce((sum, _, at) => sum + of(at), 0) / p.length;
}

test('answers with formats satisfy their schemas', async () => {
  // Its own tokenizer is not among the files: any other one of at most 512 tokens does.
  const folder = join(home.path, 'answering');
  cpSync(model, folder, { recursive: true });
  await addFormatTokenizer(folder);
  await json('compile', 'stories.ts', '--weights', folder, '--out', 'answers');
  const answering = await openPackage(join(home.path, 'answers'), { device: 'wasm', threads: 1 });
  expect((await fuzzFormats(answering, 40)).wrong).toEqual([]);
  answering.dispose();
});

test('f32, greedy: all 256 tokens after BOS', async () => {
  expect(expected).toHaveLength(256);
  const { tokens } = await json('run', 'f32', '--tokens', '1', '--max-tokens', '256');
  expect(tokens).toEqual(expected);
});

test('q8 and q4 differ little from f32', async () => {
  const f32 = await distributions('f32');
  expect(f32).toHaveLength(200);
  const [q8, q4] = [meanKl(f32, await distributions('q8')), meanKl(f32, await distributions('q4'))];
  console.log(`stories260K, mean KL to f32 over ${f32.length} tokens: q8 ${q8.toFixed(5)}, q4 ${q4.toFixed(4)}`);
  expect(q8).toBeLessThan(0.001);
  expect(q4).toBeLessThan(0.05);
  // none is exactly zero, so each was really computed
  expect(Math.min(q8, q4)).toBeGreaterThan(0);
});

test('a prompt may be text: tokenizer.model is read, and BOS comes first', async () => {
  const { stats, text } = await json('run', 'f32', '--prompt', '', '--max-tokens', '60');
  expect(stats.promptTokens).toBe(1);
  const { text: same } = await json('run', 'f32', '--tokens', '1', '--max-tokens', '60');
  expect(text).toBe(same);
  expect(text).toMatch(/^Once upon a time/);
});

test('eval agrees with sums over the logits of another command', async () => {
  const file = join(home.path, 'story.txt');
  const { text } = await json('run', 'f32', '--tokens', '1', '--max-tokens', '150');
  writeFileSync(file, text);
  const { code, stdout, stderr } = await home.lamella(
    'eval',
    ...formatNames,
    '--text',
    file,
    '--kl-to',
    'f32',
    '--json',
  );
  expect(code, stderr).toBe(0);
  const { results } = JSON.parse(stdout) as { results: { model: string; tokens: number; nll: number; kl: number }[] };
  for (const { model, tokens, nll, kl } of results) {
    console.log(`stories260K ${model}: nll ${nll.toFixed(4)} over ${tokens} tokens, KL to f32 ${kl.toFixed(5)}`);
    const { logits } = await json('logits', model, '--tokens', [1, ...expected].slice(0, tokens).join(), '--all');
    const logs = (logits as number[][]).map(logProbabilities);
    const sum = logs.reduce((total, row, at) => total - row[expected[at]!]!, 0);
    expect(nll).toBeCloseTo(sum / tokens, 4);
  }
});

test('q8 of a Q8_0 file differs little from the exact values of the file', async () => {
  await json('export', 'stories.ts', '--to', 'gguf', '--weights', model, '--type', 'q8_0', '--out', 'q8_0.gguf');
  for (const quant of ['f32', 'q8']) {
    await json('compile', 'stories.ts', '--weights', 'q8_0.gguf', '--quant', quant, '--out', `q8_0-${quant}`);
  }
  const [exact, q8] = [await distributions('q8_0-f32'), await distributions('q8_0-q8')];
  const lost = meanKl(exact, q8);
  console.log(`stories260K as Q8_0, mean KL of q8 to the exact values over ${exact.length} tokens: ${lost.toFixed(5)}`);
  expect(lost).toBeLessThan(0.0006);
});
