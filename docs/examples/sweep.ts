/** Twelve models of two million parameters, from wide to deep: what does each need, and how fast is it? */

import { mobileLLM } from '@lamella/dsl';
import { bench, compile, type PackageInMemory } from 'lamella';

const [budget, vocab] = [2_000_000, 1024];

/** The model with this many layers: thinner if it is deeper. */
function shape(layers: number) {
  const d = 32 * Math.round(Math.sqrt(budget / layers / 12) / 32);
  const ffn = Math.round(((budget - vocab * d) / layers / d - 4 * d) / 3);
  return mobileLLM({ name: `${layers}x${d}`, layers, d, heads: d / 32, kvHeads: d / 32, ffn, vocab, context: 128 });
}

const packages: PackageInMemory[] = [];
for (const layers of [2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32]) {
  packages.push(await compile(shape(layers), { weights: 'random:1' }));
}
const { results } = await bench(packages, { promptTokens: 32, maxTokens: 32, repeat: 3 });

console.table(
  packages.map(({ manifest: { name, report } }, i) => ({
    'layers x d': name,
    parameters: report.parameters,
    'weights, KiB': Math.round(report.weightBytes / 1024),
    'memory, KiB': Math.round(report.plannedBytes / 1024),
    'decode, tokens/s': Math.round(results[i]!.decodeTokensPerSecond),
  })),
);
