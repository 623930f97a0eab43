/**
 * Multiple choice by log-likelihood, in the form of HellaSwag (Zellers et al., 2019) and as
 * lm-evaluation-harness scores it: the ending with the largest sum of log-probabilities counts as
 * the model's answer; normalised, the sum is divided by the ending's length in characters.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Model } from '@lamella/runtime/api';
import { logSum, predictions } from './log-probabilities.ts';
import { readText } from './text.ts';

/** A line of the file: `{"ctx": "...", "endings": ["...", "..."], "label": 0}`. */
export interface Question {
  readonly ctx: string;
  readonly endings: readonly string[];
  /** Index of the right ending. */
  readonly label: number;
  /** File and line, for messages. */
  readonly place: string;
}

export interface ChoicesScore {
  readonly n: number;
  readonly accuracy: number;
  readonly accuracyNormalised: number;
}

/** Why an ending has no first probability. */
const nothingBefore =
  'ctx is empty, and the tokenizer has no beginning token, so nothing predicts the first token of an ending';

/** Reads a JSON Lines file. L302 if it cannot be read, L314 for a line that is not a question. */
export async function readQuestions(path: string): Promise<Question[]> {
  const text = await readText(path);
  const lines = text
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [{ line, place: `${path}:${i + 1}` }]));
  if (lines.length === 0) throw new LamellaError('L314', { what: 'it has no line' }, { place: path });
  return lines.map(({ line, place }) => questionOf(line, place));
}

function questionOf(line: string, place: string): Question {
  const refuse = (what: string) => new LamellaError('L314', { what }, { place });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refuse('the line is not JSON');
  }
  const { ctx, endings, label } = Object(value) as Readonly<Record<string, unknown>>;
  if (typeof ctx !== 'string') throw refuse('ctx is not a text');
  if (!Array.isArray(endings) || endings.length < 2 || !endings.every((ending) => typeof ending === 'string' && ending))
    throw refuse('endings is not a list of two or more texts');
  // Some copies of HellaSwag have the label as a text.
  const index = typeof label === 'string' && /^\d+$/.test(label) ? Number(label) : label;
  if (!Number.isInteger(index) || Number(index) < 0 || Number(index) >= endings.length)
    throw refuse(`label is not an index from 0 to ${endings.length - 1}`);
  return { ctx, endings, label: Number(index), place };
}

/** Scores questions; `onQuestion` is called with the number scored so far. L403 for one that is too long, L314 without a context. */
export async function scoreChoices(
  model: Model,
  questions: readonly Question[],
  before: readonly number[],
  onQuestion: (done: number) => void,
): Promise<ChoicesScore> {
  const { tokenizer } = model;
  const { context } = model.manifest;
  let right = 0;
  let rightNormalised = 0;
  for (const [done, { ctx, endings, label, place }] of questions.entries()) {
    const sums: number[] = [];
    for (const ending of endings) {
      const whole = [...before, ...(await tokenizer!.encode(`${ctx} ${ending}`))];
      // Tokens may join text on both sides of the border; the ending's begin where they differ.
      const alone = [...before, ...(await tokenizer!.encode(ctx))];
      if (alone.length === 0) throw new LamellaError('L314', { what: nothingBefore }, { place });
      // the last token is only predicted
      if (whole.length - 1 > context) throw new LamellaError('L403', { count: whole.length, context }, { place });
      const from = Math.min(alone.length, whole.length - 1);
      let sum = 0;
      await predictions(model, whole, from, (i, logits) => {
        sum += logits[whole[i]!]! - logSum(logits);
      });
      sums.push(sum);
    }
    const normalised = sums.map((sum, i) => sum / [...endings[i]!].length);
    right += Number(sums.indexOf(Math.max(...sums)) === label);
    rightNormalised += Number(normalised.indexOf(Math.max(...normalised)) === label);
    onQuestion(done + 1);
  }
  const n = questions.length;
  return { n, accuracy: right / n, accuracyNormalised: rightNormalised / n };
}
