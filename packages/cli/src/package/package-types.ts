/**
 * The typed face of a generated package, `index.d.ts`: the runtime's own types in one file that needs no other, with what this model is at the
 * top and `load` narrowed to what this package can do. A package without a tokenizer takes token ids, and an editor says so.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { devices, formatNames, kvNames, targets, wasmVariants } from '@lamella/runtime/choices';
import { catalogue } from '@lamella/runtime/lamella-error';
import type { Manifest } from '@lamella/runtime/manifest';

const resolve = createRequire(import.meta.url).resolve;

/** What `load` gives; the members that a tokenizer decides. */
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

/** The text of `index.d.ts` for the package that `manifest` describes. */
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

/** The numbers that comments here speak of, each with its sentence. */
function errorCodes(): string {
  const entries = Object.entries(catalogue);
  return [
    '/**',
    ' * What can go wrong, by number:',
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

/** Types that the runtime derives from lists of choices: here they are written out. */
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

/** A module of types as it is written, without its opening comment and its imports: all of them are put into one file. */
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
