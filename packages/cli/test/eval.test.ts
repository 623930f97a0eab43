/**
 * `lamella eval` against sums over the logits of the f64 oracle, which knows nothing of windows,
 * caches or kernels.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import type { Graph } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EvalReport } from '../src/contract.ts';
import { scoreChoices } from '../src/evaluate/choices.ts';
import { windowsOf } from '../src/evaluate/text.ts';
import { loadGraph } from '../src/model/load-graph.ts';
import { openPackage } from '../src/package/open-package.ts';
import { addTokenizer, writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

const CONTEXT = 24;
const text = 'A thin plate; many make a deep stack. Ünïcödé is text, too.\n';
const questions = [
  { ctx: 'Thin', endings: ['and deep', 'or wide and shallow', '.'], label: 0 },
  { ctx: 'A stack of', endings: ['plates', 'x'], label: '1' },
];

let home: Scratch;
let graph: Graph;
beforeAll(async () => {
  home = await scratch();
  const file = await writeGraph(home.path, 'talking', (text) =>
    text.replace('vocab: 50', 'vocab: 260').replace('t: 16', `t: ${CONTEXT}`),
  );
  graph = await loadGraph(file);
  await writeCheckpoint(join(home.path, 'checkpoint'), file);
  await addTokenizer(join(home.path, 'checkpoint'));
  for (const quant of ['f32', 'q4']) {
    const options = ['--weights', 'checkpoint', '--quant', quant, '--out', quant];
    expect(await home.lamella('compile', file, ...options)).toMatchObject({ code: 0 });
  }
  await writeFile(join(home.path, 'text.txt'), text);
  await writeFile(join(home.path, 'questions.jsonl'), questions.map((each) => `${JSON.stringify(each)}\n`).join('\n'));
});
afterAll(() => home?.remove());

test('a text that is not UTF-8, and a question that is too long', async () => {
  await writeFile(join(home.path, 'latin.txt'), Uint8Array.of(0x61, 0xfc, 0x62));
  await home.refuses(['eval', 'f32', '--text', 'latin.txt'], 'L302', 'not UTF-8');
  const long = { ctx: 'A thin plate '.repeat(9), endings: ['a', 'b'], label: 0 };
  await writeFile(join(home.path, 'long.jsonl'), `\n${JSON.stringify(long)}\n`);
  await home.refuses(['eval', 'f32', '--choices', 'long.jsonl'], 'L403', 'long.jsonl:2', `the context of ${CONTEXT}`);
});

async function evaluated(...args: readonly string[]): Promise<EvalReport['results']> {
  const { code, stdout, stderr } = await home.lamella('eval', ...args, '--json');
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as EvalReport).results;
}

/** Log-probabilities after each token, computed from an empty sequence. */
function oracleOf(tokens: readonly number[], quant: 'f32' | 'q4' = 'f32'): number[][] {
  const oracle = new Oracle(graph, (weight) => randomTensor(1, weight), { quant, kv: 'f32' });
  return tokens.map((token) => {
    const logits = [...oracle.step(token)];
    const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
    return logits.map((logit) => logit - sum);
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The ids of a text, after the tokens that the tokenizer adds. */
async function idsOf(text: string): Promise<number[]> {
  const { manifest, tokenizer, dispose } = await openPackage(join(home.path, 'f32'));
  const ids = [...manifest.tokenizer!.before, ...(await tokenizer!.encode(text))];
  dispose();
  return ids;
}

test('perplexity, KL and agreement of a text longer than the context', async () => {
  const ids = await idsOf(text);
  expect(ids.length).toBeGreaterThan(2 * CONTEXT);
  const [f32, q4] = await evaluated('f32', 'q4', '--text', 'text.txt', '--kl-to', 'f32');
  const parts: { nll: number; kl: number; agrees: number }[] = [];
  for (let start = 0, next = 1; next < ids.length; start += CONTEXT / 2) {
    const window = ids.slice(start, start + CONTEXT);
    const [p, q] = [oracleOf(window), oracleOf(window, 'q4')];
    for (; next < start + window.length; next++) {
      const at = next - 1 - start;
      const kl = p[at]!.reduce((sum, log, id) => sum + Math.exp(log) * (log - q[at]![id]!), 0);
      const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
      parts.push({ nll: -p[at]![ids[next]!]!, kl, agrees: Number(best(p[at]!) === best(q[at]!)) });
    }
  }
  expect(parts).toHaveLength(ids.length - 1);
  expect(f32).toMatchObject({ model: 'f32', quant: 'f32', kv: 'f32', context: CONTEXT, tokens: ids.length - 1 });
  expect(q4).toMatchObject({ model: 'q4', quant: 'q4', kv: 'f32', context: CONTEXT, tokens: ids.length - 1 });
  expect(f32!.nll).toBeCloseTo(mean(parts.map(({ nll }) => nll)), 4);
  expect(f32!.perplexity).toBeCloseTo(Math.exp(f32!.nll!), 8);
  expect([f32!.kl, f32!.topAgreement]).toEqual([0, 1]);
  expect(q4!.kl).toBeGreaterThan(0);
  expect(q4!.kl).toBeCloseTo(mean(parts.map(({ kl }) => kl)), 4);
  expect(q4!.topAgreement).toBeCloseTo(mean(parts.map(({ agrees }) => agrees)), 8);
});

test('multiple choice: sums of log-probabilities, plain and by length', async () => {
  const [{ choices } = {}] = await evaluated('f32', '--choices', 'questions.jsonl');
  let [right, rightNormalised] = [0, 0];
  for (const { ctx, endings, label } of questions) {
    const sums: number[] = [];
    for (const ending of endings) {
      const [whole, alone] = [await idsOf(`${ctx} ${ending}`), await idsOf(ctx)];
      // The last token is predicted, and predicts nothing.
      const logs = oracleOf(whole.slice(0, -1));
      sums.push(whole.slice(alone.length).reduce((sum, id, i) => sum + logs[alone.length + i - 1]![id]!, 0));
    }
    const best = (values: readonly number[]) => values.indexOf(Math.max(...values));
    right += Number(best(sums) === Number(label));
    rightNormalised += Number(best(sums.map((sum, i) => sum / endings[i]!.length)) === Number(label));
  }
  expect(choices).toEqual({ n: 2, accuracy: right / 2, accuracyNormalised: rightNormalised / 2 });
});

test('without --json a table with a row for each model', async () => {
  const { stdout } = await home.lamella('eval', 'f32', 'q4', '--text', 'text.txt');
  const cells = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(cells.map((row) => row.slice(0, 5))).toEqual([
    ['model', 'quant', 'kv', 'context', 'tokens'],
    ['f32', 'f32', 'f32', '24', expect.any(String)],
    ['q4', 'q4', 'f32', '24', expect.any(String)],
    [''],
  ]);
});

test('a byte order mark is no part of a text, and different contexts are warned of', async () => {
  await writeFile(join(home.path, 'marked.txt'), `\ufeff${text}`);
  const [plain, marked] = [
    await evaluated('f32', '--text', 'text.txt'),
    await evaluated('f32', '--text', 'marked.txt'),
  ];
  expect(marked).toEqual(plain);
  await home.lamella('compile', 'talking.ts', '--weights', 'checkpoint', '--context', '8', '--out', 'short');
  const { stderr } = await home.lamella('eval', 'f32', 'short', '--text', 'text.txt');
  expect(stderr).toContain('the models have contexts of 24 and 8 tokens');
});

test('every token is predicted once, from at least half a context after the first window', () => {
  for (const context of [1, 2, 3, 8, 9])
    for (const length of [0, 1, 2, 8, 9, 40]) {
      const tokens = Array.from({ length }, (_, i) => i);
      const windows = windowsOf(tokens, context);
      expect(windows.flatMap(({ tokens, from }) => tokens.slice(from))).toEqual(tokens.slice(1));
      for (const [i, { tokens, from }] of windows.entries()) {
        expect(tokens.length).toBeLessThanOrEqual(Math.max(2, context));
        if (i > 0) expect(from).toBeGreaterThanOrEqual(Math.floor(context / 2));
      }
    }
});

test.each([
  [['f32'], 'L305', ['--text', '--choices']],
  [['f32', '--kl-to', 'q4', '--choices', 'questions.jsonl'], 'L305', ['--kl-to', '--text FILE as well']],
  [['f32', '--text', 'nowhere.txt'], 'L302', ['nowhere.txt']],
  [['f32', '--text', 'empty.txt'], 'L305', ['no token to predict']],
  [['bare', '--text', 'text.txt'], 'L406', ['bare']],
  [['f32', '--choices', 'empty.txt'], 'L314', ['empty.txt', 'no line']],
  [['f32', '--choices', 'text.txt'], 'L314', ['text.txt:1', 'the line is not JSON']],
  [['f32', '--choices', 'bad-1.jsonl'], 'L314', ['bad-1.jsonl:1', 'ctx is not a text']],
  [['f32', '--choices', 'bad-2.jsonl'], 'L314', ['bad-2.jsonl:2', 'endings is not a list']],
  [['f32', '--choices', 'bad-3.jsonl'], 'L314', ['bad-3.jsonl:1', 'label is not an index from 0 to 1']],
  [['f32', '--choices', 'long.jsonl'], 'L403', ['fit the context']],
  [['f32', '--text', 'text.txt', '--kl-to', 'wider'], 'L315', ['f32 and wider have different tokens']],
])('%j is refused', async (args, code, parts) => {
  const write = (name: string, content: string) => writeFile(join(home.path, name), content);
  await write('empty.txt', '');
  await write('bad-1.jsonl', '{"endings":["a","b"],"label":0}');
  await write('bad-2.jsonl', '{"ctx":"a","endings":["a","b"],"label":0}\n{"ctx":"a","endings":["a"],"label":0}');
  await write('bad-3.jsonl', '{"ctx":"a","endings":["a","b"],"label":2}');
  await write('long.jsonl', JSON.stringify({ ctx: 'long '.repeat(9), endings: ['a', 'b'], label: 0 }));
  if (args.includes('wider')) await compileWider();
  if (args[0] === 'bare') await home.lamella('compile', 'talking.ts', '--weights', 'random:1', '--out', 'bare');
  await home.refuses(['eval', ...args], code, ...parts);
});

test('an ending with nothing before it is refused', async () => {
  const model = await openPackage(join(home.path, 'f32'));
  const question = { ctx: '', endings: ['a', 'b'], label: 0, place: 'q.jsonl:1' };
  await expect(scoreChoices(model, [question], [], () => {})).rejects.toThrow(
    /L314 .* ctx is empty.*, at q\.jsonl:1\./,
  );
  model.dispose();
});

/** The same tokenizer with a padded vocabulary. */
async function compileWider(): Promise<void> {
  const file = await writeGraph(home.path, 'wider', (text) =>
    text.replace('vocab: 50', 'vocab: 300').replace('t: 16', `t: ${CONTEXT}`),
  );
  await writeCheckpoint(join(home.path, 'wide'), file);
  await addTokenizer(join(home.path, 'wide'));
  expect(await home.lamella('compile', file, '--weights', 'wide', '--out', 'wider')).toMatchObject({ code: 0 });
}
