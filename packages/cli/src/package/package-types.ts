/**
 * Writes the `index.d.ts` of a generated package: the runtime's types in one self-contained file,
 * with a summary of the model at the top and `load` narrowed to this package. Without a tokenizer,
 * prompts are token ids, and the editor reports a text.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { devices, formatNames, kvNames, targets, wasmVariants } from '@lamella/runtime/choices';
import { catalogue } from '@lamella/runtime/lamella-error';
import type { Manifest } from '@lamella/runtime/manifest';

const resolve = createRequire(import.meta.url).resolve;

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
const load = 'export declare function load(url?: string | URL, options?: LoadOptions): Promise<Model>;';

/** The text of `index.d.ts` for the package of this manifest. */
export function packageTypes(manifest: Manifest): string {
  const face = declarations('@lamella/runtime/api');
  const loadAt = face.lastIndexOf('/**', face.indexOf(load));
  if (!face.includes(load)) throw new Error(`the runtime's face does not end in: ${load}`);
  return [
    summary(manifest),
    face.slice(0, loadAt).trim(),
    errorCodes(),
    manifest.tokenizer ? withTokenizer : withoutTokenizer,
    face.slice(loadAt).trim().replace('Promise<Model>', 'Promise<PackageModel>'),
    ...Object.entries(choices).map(([name, values]) => union(name, values)),
    declarations('@lamella/runtime/manifest').trim(),
    declarations('@lamella/runtime/webgpu-manifest').trim(),
    '',
  ].join('\n\n');
}

/** The error codes that the comments mention, each with its sentence. */
function errorCodes(): string {
  const entries = Object.entries(catalogue);
  return [
    '/**',
    ' * The error codes:',
    ' *',
    ...entries.map(
      ([code, sentence]) => ` * - ${code}: ${sentence.replace('. Try: ', '. Try ').replace(/\{\w+\}/g, '…')}`,
    ),
    ' */',
    union(
      'LamellaErrorCode',
      entries.map(([code]) => code),
    ),
  ].join('\n');
}

/** Types that the runtime derives from lists of choices, written out. */
const choices = {
  Device: devices,
  Target: targets,
  FormatName: formatNames,
  KvName: kvNames,
  WasmVariant: wasmVariants,
};

function union(name: string, values: readonly string[]): string {
  return `export type ${name} = ${values.map((value) => `'${value}'`).join(' | ')};`;
}

/**
 * The text of a module of types, without its opening comment and its imports, because all modules
 * are joined into one file.
 */
function declarations(module: string): string {
  const text = readFileSync(resolve(module), 'utf8');
  return text.replace(/^\/\*\*.*?\*\/\n/s, '').replace(/^import type [^;]*;\n/gm, '');
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
