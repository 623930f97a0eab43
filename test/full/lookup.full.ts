/**
 * Prompt lookup on compiled models: 500 prompts and 3 samplers on each, and with lookup the tokens
 * are those without it. The assistant is trained, so it copies parts of requests; the models with
 * random weights repeat themselves and the prompt.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type GenerateOptions, load, type Model } from 'lamella';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { heldout } from '../../graphs/assistant/generate.ts';
import assistant from '../../graphs/assistant.ts';
import { model, orders } from '../conformance/models.ts';

const PROMPTS = 500;
/** Each test generates some 60,000 tokens. */
const PATIENCE_MS = 1_200_000;

/** A test for each sampler, with and without lookup. */
function compare(
  loading: () => Promise<Model>,
  promptOf: (i: number) => string | readonly number[],
  samplers: Readonly<Record<string, GenerateOptions>>,
): void {
  let model: Model;
  beforeAll(async () => {
    model = await loading();
  });
  afterAll(() => model.dispose());

  test.each(Object.entries(samplers))(
    '%s',
    async (name, sampler) => {
      let [tokens, accepted, steps, without] = [0, 0, 0, 0];
      for (let i = 0; i < PROMPTS; i++) {
        const options = { ...sampler, seed: i };
        const alone = await model.generate(promptOf(i), { ...options, lookup: false }).result();
        // Every other prompt with as many proposals as measured times suggest.
        const lookup = i % 2 === 0 ? true : undefined;
        const together = await model.generate(promptOf(i), { ...options, lookup }).result();
        expect(together.tokens, `prompt ${i}`).toEqual(alone.tokens);
        expect(together.text).toBe(alone.text);
        tokens += alone.tokens.length;
        accepted += together.stats.acceptedTokens;
        steps += together.stats.steps;
        without += alone.stats.steps;
      }
      console.log(
        `${name}: ${tokens} tokens in ${without} steps without lookup, ${steps} with it (${accepted} accepted)`,
      );
      expect(accepted).toBeGreaterThan(tokens / 100);
      expect(steps).toBeLessThan(without);
    },
    PATIENCE_MS,
  );
}

interface Function {
  readonly name: string;
  readonly parameters: object;
}
const functions: readonly Function[] = JSON.parse(
  readFileSync(new URL('../../graphs/assistant/functions.json', import.meta.url), 'utf8'),
);
/** A call of one of the assistant's functions. */
const call = {
  anyOf: functions.map(({ name, parameters }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: parameters },
    required: ['name', 'arguments'],
  })),
};
const weights = fileURLToPath(new URL('../../graphs/assistant', import.meta.url));
const requests = heldout('heldout-both');

describe.each(['q8', 'q4'] as const)('the assistant, %s', (quant) => {
  compare(
    () => load(assistant, { weights, quant, threads: 1 }),
    (i) => requests[i]!.request,
    {
      greedy: { maxTokens: 48 },
      'seeded temperature': { maxTokens: 48, temperature: 0.7 },
      'seeded top-p with a format': {
        maxTokens: 96,
        temperature: 1,
        topP: 0.9,
        responseFormat: { type: 'json_schema', schema: call },
      },
    },
  );
});

describe.each([
  ['q8', 'f32', 1, undefined],
  ['q4', 'q8', 2, 24],
] as const)('random weights, %s, KV %s, %i threads, window %s', (quant, kv, threads, window) => {
  // As deep and wide as stories260K.
  const shape = { layers: 5, ff: 172, heads: 8, kvHeads: 4, headDim: 8, vocab: 64, context: 160 };
  const graph = model({ ...shape, window, share: orders.immediate });
  const prompt = (i: number) =>
    Array.from({ length: 40 }, (_, at) => ((at % (3 + (i % 9))) * (i + 1) + (at > 30 ? i : 0)) % 64);
  // Few tokens are likely, so pairs of them come again, and what follows them differs.
  const logitBias = Object.fromEntries([3, 14, 15, 9].map((id) => [id, 8]));
  compare(() => load(graph, { weights: 'random:3', quant, kv, threads }), prompt, {
    greedy: { maxTokens: 40 },
    'seeded temperature': { maxTokens: 40, temperature: 0.5, logitBias },
    'seeded top-p': { maxTokens: 40, temperature: 0.5, topP: 0.9, repetitionPenalty: 1.05, logitBias },
  });
});
