/**
 * Measures how much formats change the assistant's answers: mean KL(first || other), in nats per
 * answer token, over held-out requests with their right answers given. Zero is the first package's
 * own distribution; `score.ts` shows the effect of the difference on answers.
 *
 *   npx tsx graphs/assistant/divergence.ts out/assistant-f32 out/assistant-q8 [...] [--requests N]
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { heldout, type Split, splits } from './generate.ts';

/** The part of a compiled package that is used. */
interface Package {
  load(
    url?: string,
    options?: { readonly threads?: number },
  ): Promise<{
    readonly tokenizer: {
      encode(text: string): Promise<number[]>;
      encodePrompt(text: string): Promise<number[]>;
    };
    logitsAll(tokens: readonly number[]): Promise<Float32Array[]>;
    dispose(): void;
  }>;
}

/** ln of the softmax, f64 [vocab]. */
function logProbabilities(logits: Float32Array): Float64Array {
  const largest = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, x) => sum + Math.exp(x - largest), 0)) + largest;
  return Float64Array.from(logits, (x) => x - total);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { requests: { type: 'string' } } });
const models = await Promise.all(
  positionals.map(async (folder) => {
    const compiled = (await import(pathToFileURL(resolve(folder, 'index.js')).href)) as Package;
    return compiled.load(undefined, { threads: 1 });
  }),
);
const examples = (Object.keys(splits) as Split[]).flatMap((split) =>
  heldout(split).slice(0, Number(values.requests ?? 100)),
);
const sums = models.map(() => 0);
let tokens = 0;
for (const { request, answer } of examples) {
  const { tokenizer } = models[0]!;
  const prompt = await tokenizer.encodePrompt(request);
  const whole = [...prompt, ...(await tokenizer.encode(answer))];
  const answered: Float64Array[][] = [];
  for (const model of models)
    answered.push((await model.logitsAll(whole)).slice(prompt.length - 1).map(logProbabilities));
  const first = answered[0]!;
  tokens += first.length;
  answered.forEach((other, m) => {
    first.forEach((p, i) => {
      sums[m]! += p.reduce((sum, lnP, v) => sum + Math.exp(lnP) * (lnP - other[i]![v]!), 0);
    });
  });
}
for (const [m, folder] of positionals.entries()) console.log(`${(sums[m]! / tokens).toExponential(2)}  ${folder}`);
console.log(`${tokens} tokens of ${examples.length} answers`);
for (const model of models) model.dispose();
