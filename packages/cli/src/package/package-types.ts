/**
 * Writes the `index.d.ts` of a generated package: its `PackageModel`, with a summary of the model,
 * and the types that all packages have (`api-types.txt`). Without a tokenizer, prompts are token
 * ids, and the editor reports a text.
 */
import type { Manifest } from '@lamella/runtime/manifest';
import { summary } from './summary.ts';

/** The result type of `load`, with and without a tokenizer. Its comment is shown on hover. */
function packageModel(name: string, manifest: Manifest): string {
  const [prompt, piece] = manifest.tokenizer ? ["'...'", 'text'] : ['[1, 2, 3]', 'token'];
  const text = manifest.tokenizer
    ? 'It has a tokenizer, so prompts may be text.'
    : 'It was compiled without a tokenizer, so prompts are token ids and pieces have no text.';
  return `/**
 * ${manifest.name.replaceAll('*/', '')}: ${summary(manifest)}.
 * ${text}
 *
 *     import { load } from '${name}';
 *
 *     const model = await load();
 *     for await (const { ${piece} } of model.generate(${prompt}, { maxTokens: 32 })) show(${piece});
 */
export interface PackageModel extends Model {
${manifest.tokenizer ? withTokenizer : withoutTokenizer}
}`;
}

const withTokenizer = '  readonly tokenizer: Tokenizer;';
const withoutTokenizer = `  readonly tokenizer: null;
  generate(prompt: TokenIds, options?: Omit<GenerateOptions, 'stop'>): Generation;`;

/**
 * The text of `index.d.ts` for the npm package `name`, which `manifest` describes. `apiTypes` is
 * the text of the types that all packages have.
 */
export function packageTypes(name: string, manifest: Manifest, apiTypes: string): string {
  return [packageModel(name, manifest), apiTypes].join('\n\n');
}
