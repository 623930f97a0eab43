/**
 * Compares every open contender with the oracle: our own packages strictly, so that a wrong one
 * ends the run, and all contenders of a model loosely, as a figure (see `exactness.ts`).
 */
import { inThreads } from './contender.ts';
import {
  type Exactness,
  inProcess,
  LENGTH,
  largestDifference,
  ROUNDING,
  type Stepwise,
  type Witness,
  witness,
} from './exactness.ts';
import type { Extent } from './extent.ts';
import { attempt, type Journal } from './journal.ts';
import { type Entry, nativeTitle, onnxTitle, promptOf, titleOf, wllamaTitle } from './line-up.ts';
import { type Built, graphOf, type Model, type Variant } from './models.ts';
import type { Results } from './results.ts';
import { distance } from './statistics.ts';

/**
 * The smallest share of executions that must equal the oracle's; in the others a code flipped at a
 * tie.
 */
const EXACT_SHARE = 0.9;

/** The model that the peers run. */
const PEER_MODEL: Model = '125m';

type Checked = Pick<Results, 'stepwise' | 'exactness'>;

/** The logits [vocab] of each contender after the prompt. */
type Answers = ReadonlyMap<Entry, ArrayLike<number>>;

/**
 * Checks every model of `checked` to which a variant belongs. Throws if one of our packages is
 * wrong.
 */
export async function checkAll(
  entries: readonly Entry[],
  built: ReadonlyMap<string, Built>,
  { checked, variants }: Pick<Extent, 'checked' | 'variants'>,
  journal: Journal,
): Promise<Checked> {
  const found: Checked[] = [];
  for (const model of checked) {
    const ours = variants.filter((variant) => variant.model === model);
    if (ours.length > 0) found.push(await checkModel(model, ours, entries, built, journal));
  }
  return {
    stepwise: found.flatMap(({ stepwise }) => stepwise),
    exactness: found.flatMap(({ exactness }) => exactness),
  };
}

async function checkModel(
  model: Model,
  ours: readonly Variant[],
  entries: readonly Entry[],
  built: ReadonlyMap<string, Built>,
  journal: Journal,
): Promise<Checked> {
  const graph = await graphOf(model);
  const peers = model === PEER_MODEL ? [wllamaTitle, onnxTitle, nativeTitle] : [];
  const titles = [...ours.map(titleOf), ...peers];
  const answers = await answersOf(
    entries.filter(({ title }) => titles.includes(title)),
    journal,
  );
  const stepwise: Stepwise[] = [];
  const exactness = distances(answers, titles, witness(graph, 'f32', 'f32'));
  for (const variant of ours) {
    const title = titleOf(variant);
    const exact = witness(graph, variant.quant, variant.kv);
    stepwise.push(await checkPackage(title, built.get(title)!, exact, answers));
    exactness.push(...distances(answers, [title], exact));
  }
  return { stepwise, exactness };
}

async function answersOf(entries: readonly Entry[], journal: Journal): Promise<Answers> {
  const answers = new Map<Entry, ArrayLike<number>>();
  for (const entry of entries) {
    const what = `${entry.title}, ${inThreads(entry.threads)}, logits`;
    const logits = await attempt(journal, what, () => entry.contender.logits(promptOf(LENGTH)));
    if (logits) answers.set(entry, logits);
  }
  return answers;
}

/** Distances of the named contenders' answers from the oracle's. */
function distances(answers: Answers, titles: readonly string[], { quant, logits }: Witness): Exactness[] {
  return [...answers]
    .filter(([{ title }]) => titles.includes(title))
    .map(([{ title, threads }, got]) => ({
      contender: title,
      threads,
      against: quant,
      ...distance(got, logits.at(-1)!),
    }));
}

/**
 * The strict check: this process against the oracle, execution by execution, then the pages against
 * this process.
 */
async function checkPackage(title: string, built: Built, exact: Witness, answers: Answers): Promise<Stepwise> {
  const { free, ...steps } = await inProcess(built, exact);
  if (!(steps.exact >= EXACT_SHARE * steps.executions))
    throw new Error(`${title}: ${steps.exact} of ${steps.executions} executions have the oracle's result`);
  for (const [entry, got] of answers) {
    const difference = entry.title === title ? largestDifference(got, free) : 0;
    if (!(difference < ROUNDING))
      throw new Error(`${title}, ${inThreads(entry.threads)}: ${difference} from what Node computes`);
  }
  return { contender: title, ...steps };
}
