/**
 * Prompt lookup on compiled models: 500 prompts and 3 samplers on each, and with lookup the tokens
 * are those without it. The assistant is trained, so it copies parts of requests; the models with
 * random weights repeat themselves and the prompt.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type GenerateOptions, load, type Model } from 'lamella';
import { expect, test } from 'vitest';
import { heldout } from '../../graphs/assistant/generate.ts';
import assistant from '../../graphs/assistant.ts';
import { model, orders } from '../conformance/models.ts';

const PROMPTS = 500;

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

/** Each sampler, with and without lookup, on prompt i. */
async function compare(
  model: Model,
  promptOf: (i: number) => string | readonly number[],
  samplers: Readonly<Record<string, GenerateOptions>>,
): Promise<void> {
  for (const [name, sampler] of Object.entries(samplers)) {
    let [tokens, accepted, steps, without] = [0, 0, 0, 0];
    for (let i = 0; i < PROMPTS; i++) {
      const options = { maxTokens: 64, ...sampler, seed: i };
      const alone = await model.generate(promptOf(i), { ...options, lookup: false }).result();
      // Every other prompt with what was measured, which any proposals may follow from.
      const together = await model.generate(promptOf(i), { ...options, ...(i % 2 === 0 && { lookup: true }) }).result();
      expect(together.tokens, `${name}, prompt ${i}`).toEqual(alone.tokens);
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
  }
  model.dispose();
}

test.each(['q8', 'q4'] as const)('the assistant, %s', async (quant) => {
  const requests = heldout('heldout-both');
  await compare(
    await load(assistant, {
      weights: fileURLToPath(new URL('../../graphs/assistant', import.meta.url)),
      quant,
      threads: 1,
    }),
    (i) => requests[i]!.request,
    {
      greedy: {},
      'seeded temperature': { temperature: 0.7 },
      'seeded top-p with a format': {
        temperature: 1,
        topP: 0.9,
        maxTokens: 128,
        responseFormat: { type: 'json_schema', schema: call },
      },
    },
  );
});

test.each([
  ['q8', 'f32', 1, undefined],
  ['q4', 'q8', 2, 24],
] as const)('random weights, %s, KV %s, %i threads, window %s', async (quant, kv, threads, window) => {
  // As deep and wide as stories260K.
  const shape = { layers: 5, ff: 172, heads: 8, kvHeads: 4, headDim: 8, vocab: 64, context: 160 };
  const graph = model({ ...shape, window, share: orders.immediate });
  const prompt = (i: number) =>
    Array.from({ length: 40 }, (_, at) => ((at % (3 + (i % 9))) * (i + 1) + (at > 30 ? i : 0)) % 64);
  // Few tokens are likely, so pairs of them come again, and what follows them differs.
  const logitBias = Object.fromEntries([3, 14, 15, 9].map((id) => [id, 8]));
  await compare(await load(graph, { weights: 'random:3', quant, kv, threads }), prompt, {
    greedy: { maxTokens: 40 },
    'seeded temperature': { maxTokens: 40, temperature: 0.5, logitBias },
    'seeded top-p': { maxTokens: 40, temperature: 0.5, topP: 0.9, repetitionPenalty: 1.05, logitBias },
  });
});
