/**
 * `lamella eval`: perplexity of a text, multiple choice, and the distance to another model, for
 * several models side by side.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Model } from '@lamella/runtime/api';
import { type Target, usual } from '@lamella/runtime/choices';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import { type Command, Option } from 'commander';
import { loaded } from '../api/load.ts';
import type { EvalReport, EvalResult } from '../contract.ts';
import { readQuestions, scoreChoices } from '../evaluate/choices.ts';
import { readText, scoreText } from '../evaluate/text.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { modelKind } from '../model/model-kind.ts';
import { onFallback } from '../terminal/fallback.ts';
import { observer, progress } from '../terminal/progress.ts';
import { takesCheckpoints, target, threads } from '../terminal/shared-options.ts';
import { table } from '../terminal/table.ts';

export interface EvalCommand extends HowCompiled {
  readonly text?: string;
  readonly choices?: string;
  readonly klTo?: string;
  readonly target?: Target;
  readonly threads: number;
  readonly json?: true;
}

export function define(command: Command): void {
  takesCheckpoints(command)
    .addOption(new Option('--text <FILE>', 'a text, for the perplexity'))
    .addOption(
      new Option(
        '--choices <FILE.jsonl>',
        'questions, one a line: {"ctx": "...", "endings": ["...", "..."], "label": 0}',
      ),
    )
    .addOption(
      new Option(
        '--kl-to <MODEL>',
        'a model to compare the distributions on the text with; a checkpoint is compiled as f32',
      ),
    )
    .addOption(target())
    .addOption(threads())
    .option('--json', 'print one JSON object')
    .action(evaluate);
}

/**
 * Throws L305 without text and questions, or for `--kl-to` without text, L302 and L314 for the
 * files, L315 if the models have different tokens, and the errors of opening a package.
 */
export async function evaluate(paths: readonly string[], options: EvalCommand): Promise<void> {
  const { text: textFile, choices: choicesFile, klTo, target: device = usual.target, threads, json } = options;
  if (textFile === undefined && choicesFile === undefined)
    throw new LamellaError('L305', {
      option: '--text',
      reason: 'there is nothing to evaluate',
      remedy: '--text FILE, --choices FILE.jsonl or both',
    });
  if (klTo !== undefined && textFile === undefined)
    throw new LamellaError('L305', {
      option: '--kl-to',
      reason: 'the models are compared on a text',
      remedy: '--text FILE as well',
    });
  const text = textFile === undefined ? null : await readText(textFile);
  const questions = choicesFile === undefined ? null : await readQuestions(choicesFile);
  const { quant, kv, context, ignore } = options;
  const { finish, ...observed } = observer();
  const open = (path: string, how: HowCompiled) =>
    loaded(path, { ...how, ...observed, onFallback, device, threads }, { start: '' }).finally(finish);
  const reference = klTo === undefined ? null : await open(klTo, await asReference(klTo, { context, ignore }));
  const results: EvalResult[] = [];
  const contexts = new Set(reference ? [reference.manifest.context] : []);
  for (const path of paths) {
    const model = await open(path, { quant, kv, context, ignore });
    const { before } = tokenizerOf(model, path);
    contexts.add(model.manifest.context);
    const bar = progress(`evaluating ${path}`);
    try {
      let score: Omit<EvalResult, 'model' | 'quant' | 'kv' | 'context'> = {};
      if (text !== null) {
        const tokens = [...before, ...(await model.tokenizer!.encode(text))];
        if (tokens.length < 2)
          throw new LamellaError('L305', {
            option: '--text',
            reason: 'the text has no token to predict',
            remedy: 'a longer text',
          });
        if (reference) await requireSameTokens(reference, klTo!, tokens, text, path, model.manifest.vocab);
        const { nll, ...rest } = await scoreText(model, reference, tokens, (done) => bar.update(done, tokens.length));
        score = { ...rest, nll, perplexity: Math.exp(nll) };
      }
      if (questions) {
        const choices = await scoreChoices(model, questions, before, (done) => bar.update(done, questions.length));
        score = { ...score, choices };
      }
      const { manifest } = model;
      results.push({ model: path, quant: manifest.quant, kv: manifest.kv, context: manifest.context, ...score });
    } finally {
      bar.finish();
      model.dispose();
    }
  }
  reference?.dispose();
  if (text !== null && contexts.size > 1) warnOfContexts([...contexts]);
  const report: EvalReport = { results };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : drawn(results));
}

/** Perplexities of windows of different lengths are no comparison. */
function warnOfContexts(contexts: readonly number[]): void {
  const remedy = 'compile all with one --context to compare them';
  process.stderr.write(
    `the models have contexts of ${contexts.join(' and ')} tokens, and each token is predicted from as many: ${remedy}\n`,
  );
}

/** A checkpoint that others are compared with is compiled without rounding its weights. */
async function asReference(path: string, how: Pick<HowCompiled, 'context' | 'ignore'>): Promise<HowCompiled> {
  return (await modelKind(path)) === 'checkpoint' ? { quant: 'f32', ...how } : {};
}

/** L406 if the package was compiled without a tokenizer. */
function tokenizerOf({ manifest }: Model, path: string) {
  if (!manifest.tokenizer) throw new PackageError('L406', { path });
  return manifest.tokenizer;
}

/** L315 unless both models have the same tokens for the text, and vocabularies of one size. */
async function requireSameTokens(
  reference: Model,
  klTo: string,
  tokens: readonly number[],
  text: string,
  path: string,
  vocab: number,
): Promise<void> {
  const { before } = tokenizerOf(reference, klTo);
  const other = [...before, ...(await reference.tokenizer!.encode(text))];
  const same = other.length === tokens.length && other.every((id, i) => id === tokens[i]);
  if (!same || reference.manifest.vocab !== vocab) throw new LamellaError('L315', { path, klTo });
}

function drawn(results: readonly EvalResult[]): string {
  const number = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits));
  const percent = (value: number | undefined) => (value === undefined ? '' : `${(100 * value).toFixed(1)} %`);
  const columns: readonly (readonly [title: string, cell: (result: EvalResult) => string])[] = [
    ['model', ({ model }) => model],
    ['quant', ({ quant }) => quant],
    ['kv', ({ kv }) => kv],
    ['context', ({ context }) => number(context, 0)],
    ['tokens', ({ tokens }) => number(tokens, 0)],
    ['nll', ({ nll }) => number(nll, 4)],
    ['perplexity', ({ perplexity }) => number(perplexity, 3)],
    ['KL', ({ kl }) => number(kl, 5)],
    ['same best token', ({ topAgreement }) => percent(topAgreement)],
    ['questions', ({ choices }) => number(choices?.n, 0)],
    ['right', ({ choices }) => percent(choices?.accuracy)],
    ['right, by length', ({ choices }) => percent(choices?.accuracyNormalised)],
  ];
  const used = columns.filter(([, cell]) => results.some((result) => cell(result) !== ''));
  const rows = [used.map(([title]) => title), ...results.map((result) => used.map(([, cell]) => cell(result)))];
  return table(
    rows,
    used.map((_, i) => (i === 0 ? 'left' : 'right')),
  );
}
