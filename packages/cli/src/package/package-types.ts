/**
 * Writes the `index.d.ts` of a generated package: a summary of the model, its `PackageModel`, and the
 * types that all packages have (`api-types.txt`). Without a tokenizer, prompts are token ids, and the
 * editor reports a text.
 */
import { readFileSync } from 'node:fs';
import type { Manifest } from '@lamella/runtime/manifest';

const apiTypes = readFileSync(new URL('api-types.txt', import.meta.url), 'utf8');

/** The result type of `load`, with and without a tokenizer. */
const withTokenizer = `/** This package's model: it has a tokenizer, so prompts may be text. */
export interface PackageModel extends Model {
  readonly tokenizer: Tokenizer;
}`;
const withoutTokenizer = `/** This package's model: compiled without a tokenizer, so prompts are token ids and pieces have no text. */
export interface PackageModel extends Model {
  readonly tokenizer: null;
  generate(prompt: TokenIds, options?: Omit<GenerateOptions, 'stop'>): Generation;
}`;

/** The text of `index.d.ts` for the package that `manifest` describes. */
export function packageTypes(manifest: Manifest): string {
  return [summary(manifest), manifest.tokenizer ? withTokenizer : withoutTokenizer, apiTypes].join('\n\n');
}

function summary({ name, vocab, context, quant, report, tokenizer }: Manifest): string {
  const count = report.parameters.toLocaleString('en-US');
  const runs = `${report.executions} block executions over ${report.weightSets} weight sets`;
  const prompt = tokenizer ? "'...'" : '[1, 2, 3]';
  const piece = tokenizer ? 'text' : 'token';
  return `/**
 * ${name.replaceAll('*/', '')}: ${count} parameters as ${quant}, ${runs}; vocabulary ${vocab}, context ${context} tokens.
 *
 *     const model = await load();
 *     for await (const { ${piece} } of model.generate(${prompt}, { maxTokens: 32 })) show(${piece});
 */`;
}
