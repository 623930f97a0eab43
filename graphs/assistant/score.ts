/**
 * Scores answers to the held-out requests: EM_intent (the right function) and EM_structure (all
 * arguments exact, in any order), as MobileLLM counts API calling (arXiv 2402.14905, section 4.3),
 * per split. `score.py` measures the same in PyTorch, faster.
 *
 *   npx lamella compile graphs/assistant.ts --weights graphs/assistant/model.safetensors --out out/assistant
 *   npx tsx graphs/assistant/score.ts out/assistant [REQUESTS_PER_SPLIT]
 */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { heldout, heldoutCount, type Split, splits } from './generate.ts';

export interface Score {
  readonly requests: number;
  /** Share of requests answered with the right function, 0 to 1. */
  readonly intent: number;
  /** Share of requests answered with the right function and exactly the right arguments, 0 to 1. */
  readonly structure: number;
}

/**
 * Calls `answer` with the first `count` requests of every split, one after the other. An answer
 * that is not JSON is wrong, not an error.
 */
export async function score(
  answer: (request: string) => Promise<string>,
  count = heldoutCount,
): Promise<Record<Split, Score>> {
  const scores: [Split, Score][] = [];
  for (const split of Object.keys(splits) as Split[]) scores.push([split, await scoreSplit(split, answer, count)]);
  return Object.fromEntries(scores) as Record<Split, Score>;
}

async function scoreSplit(split: Split, answer: (request: string) => Promise<string>, count: number): Promise<Score> {
  const examples = heldout(split).slice(0, count);
  let intent = 0;
  let structure = 0;
  for (const example of examples) {
    const expected = parsed(example.answer);
    const got = parsed(await answer(example.request));
    if (got?.name === expected?.name) intent++;
    if (isDeepStrictEqual(got, expected)) structure++;
  }
  return { requests: examples.length, intent: intent / examples.length, structure: structure / examples.length };
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  } catch {
    return null;
  }
}

/** The part of a compiled package that is used. */
interface Package {
  load(
    url?: string,
    options?: { readonly threads?: number },
  ): Promise<{
    generate(request: string, options: { readonly maxTokens: number }): AsyncIterable<{ readonly text: string }>;
  }>;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = 'out/assistant', count = String(heldoutCount)] = process.argv.slice(2);
  const compiled = (await import(pathToFileURL(resolve(folder, 'index.js')).href)) as Package;
  // a model this small gains nothing from more threads
  const model = await compiled.load(undefined, { threads: 1 });
  const answer = async (request: string) => {
    let text = '';
    for await (const piece of model.generate(request, { maxTokens: 256 })) text += piece.text;
    return text;
  };
  console.log(JSON.stringify(await score(answer, Number(count)), null, 2));
}
