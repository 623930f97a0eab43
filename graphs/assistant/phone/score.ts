/**
 * Scores a trained assistant on the held-out sets and on the requests written by hand, compiled as
 * f32, q8 and q4, and at q4 with answers constrained to the schemas of the prompt: EM_intent and
 * EM_structure (see the README of this folder). Every answer is generated token by token and
 * parsed; one that is not JSON is wrong.
 *
 *   npx tsx graphs/assistant/phone/score.ts [RUN] [EXAMPLES_PER_SET]     default .cache/assistant/phone/run, 1,000
 *
 * It prints the table and writes score.json and SCORE.md into RUN; SCORE.md has every request written
 * by hand with its answer. EXAMPLES_PER_SET is for the held-out sets.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compile } from 'lamella';
import { type Answer, answerSchema, type Example, exactMatch, type Schema } from './answer.ts';
import { handWritten, heldOut, type Made, SET_SIZE, SETS, type SetName } from './generate.ts';
import { prompt, tokensOf } from './prompt.ts';

/** What a model wrote for an example, and whether it matches. */
export interface Scored {
  readonly example: Example;
  readonly text: string;
  readonly intent: boolean;
  readonly structure: boolean;
}

/**
 * Shares of a set, 0 to 1. `declining` is EM_intent over the examples whose answer is a refusal.
 */
export interface Rates {
  readonly examples: number;
  readonly intent: number;
  readonly structure: number;
  readonly declining: number;
}

export function scored(example: Example, text: string): Scored {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  return { example, text, ...exactMatch(example.answer, answer) };
}

export function rates(all: readonly Scored[]): Rates {
  const share = (some: readonly Scored[], right: (each: Scored) => boolean): number =>
    some.length === 0 ? 0 : some.filter(right).length / some.length;
  return {
    examples: all.length,
    intent: share(all, ({ intent }) => intent),
    structure: share(all, ({ structure }) => structure),
    declining: share(
      all.filter(({ example }) => example.answer.name === null),
      ({ intent }) => intent,
    ),
  };
}

const percent = (share: number): string => (100 * share).toFixed(1);

/**
 * The table of all sets and formats: intent / structure, and of the requests by hand also the
 * refusals.
 */
export function table(results: ReadonlyMap<string, ReadonlyMap<string, Rates>>): string {
  const formats = [...results.keys()];
  const sets = [...(results.values().next().value?.keys() ?? [])];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const cell = ({ intent, structure, declining }: Rates): string =>
    `${percent(intent)} / ${percent(structure)} / ${percent(declining)}`;
  return [
    row(['set', 'examples', ...formats]),
    row(['---', '---:', ...formats.map(() => '---:')]),
    ...sets.map((set) => {
      const of = formats.map((format) => results.get(format)!.get(set)!);
      return row([set, String(of[0]?.examples), ...of.map(cell)]);
    }),
  ].join('\n');
}

const code = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|').replaceAll('\n', ' ')}\``;

/** The list of requests and answers; a wrong answer is followed by the expected one. */
export function list(all: readonly Scored[]): string {
  const lines = all.map(({ example, text, structure, intent }) => {
    const said = [...(example.before ?? []).flatMap((turn) => [turn.request, written(turn.answer)]), example.request];
    const mark = structure ? 'right' : intent ? 'arguments wrong' : 'wrong';
    return `| ${said.map(code).join(' ')} | ${code(text)} | ${mark}${structure ? '' : `: ${code(written(example.answer))}`} |`;
  });
  return ['| request | answer | |', '| --- | --- | --- |', ...lines].join('\n');
}

const written = (answer: Answer): string => JSON.stringify(answer);

/** The part of a compiled package that is used. */
interface Package {
  load(
    url?: string,
    options?: { readonly threads?: number },
  ): Promise<{
    readonly tokenizer: { encode(text: string): Promise<readonly number[]> };
    generate(
      prompt: readonly number[],
      options: { readonly maxTokens: number; readonly responseFormat?: object },
    ): AsyncIterable<{ readonly text: string }>;
    dispose(): void;
  }>;
}

/**
 * The columns of the table. Constrained answers can only be valid for the functions of the prompt.
 */
const COLUMNS = [
  { title: 'f32', quant: 'f32', constrained: false },
  { title: 'q8', quant: 'q8', constrained: false },
  { title: 'q4', quant: 'q4', constrained: false },
  { title: 'q4 constrained', quant: 'q4', constrained: true },
] as const;

async function main(run: string, size: number): Promise<void> {
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const schemas = JSON.parse(readFileSync(here('schemas.json'), 'utf8')) as readonly Schema[];
  const sets = new Map<string, readonly Made[]>([
    ...(Object.keys(SETS) as SetName[]).map((name) => [name, heldOut(name).slice(0, size)] as const),
    ['by hand', handWritten().map((example) => ({ ...example, schemas }))],
  ]);
  const results = new Map<string, Map<string, Rates>>();
  let byHand: readonly Scored[] = [];
  for (const { title, quant, constrained } of COLUMNS) {
    const out = join(run, 'packages', quant);
    await compile(here('graph.ts'), { weights: run, quant, out });
    const { load } = (await import(pathToFileURL(join(out, 'index.js')).href)) as Package;
    // A model this small gains nothing from more threads.
    const model = await load(undefined, { threads: 1 });
    const rows = new Map<string, Rates>();
    for (const [set, examples] of sets) {
      const answers: Scored[] = [];
      for (const made of examples) {
        let text = '';
        const responseFormat = { type: 'json_schema', schema: answerSchema(made.schemas) };
        const options = { maxTokens: 160, ...(constrained ? { responseFormat } : {}) };
        const ids = await tokensOf(prompt(made, made.schemas), (part) => model.tokenizer.encode(part));
        for await (const piece of model.generate(ids, options)) text += piece.text;
        answers.push(scored(made, text));
      }
      rows.set(set, rates(answers));
      byHand = answers;
      console.error(`${title}, ${set}: ${percent(rates(answers).intent)} / ${percent(rates(answers).structure)}`);
    }
    model.dispose();
    results.set(title, rows);
  }
  const sha = createHash('sha256')
    .update(readFileSync(join(run, 'model.safetensors')))
    .digest('hex');
  const figures = table(results);
  console.log(figures);
  const numbers = Object.fromEntries([...results].map(([title, rows]) => [title, Object.fromEntries(rows)]));
  writeFileSync(join(run, 'score.json'), `${JSON.stringify({ sha256: sha, ...numbers }, null, 2)}\n`);
  writeFileSync(
    join(run, 'SCORE.md'),
    `# Score

EM_intent / EM_structure / declining right, in percent, greedy, every answer generated and parsed. The
README defines them, and the sets. Weights: SHA-256 ${sha}.

${figures}

## The requests written by hand, at q4, constrained

${list(byHand)}
`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = fileURLToPath(new URL('../../../.cache/assistant/phone/run', import.meta.url));
  const [run = folder, size = String(SET_SIZE)] = process.argv.slice(2);
  await main(resolve(run), Number(size));
}
