/** `compile` and `write`: a model as a package, in memory or in a folder. */
import type { Stage } from '@lamella/compiler/stages';
import { LamellaError as CompileError } from '@lamella/graph/diagnostics';
import type { Target } from '@lamella/runtime/choices';
import { roundingNote } from '../model/stored-weights.ts';
import type { NpmChoices } from '../package/package-json.ts';
import type { PackageParts } from '../package/write-package.ts';
import { fromSource, type Uncompiled, uncompiled, withGraph } from './graph.ts';
import { inWordsOfApi, LamellaError } from './lamella-error.ts';
import {
  type AnyModel,
  nameOf,
  type PackageInMemory,
  type PackageOnDisk,
  type Recognised,
  recognise,
} from './model.ts';
import { choosing, listed, type Observed, observing, readOptions, type WeightedChoices } from './options.ts';

export interface CompileOptions extends WeightedChoices, NpmChoices, Observed {
  /** The targets with kernels in the package. WASM is always one. Default: `wasm`. */
  readonly target?: Target | readonly Target[] | undefined;
}

export interface WriteOptions {
  /** Replace even a package that has weights by one that has none. Default: false. */
  readonly force?: boolean | undefined;
  /** Ends the work: the promise rejects with the signal's reason, and `out` stays as it was. */
  readonly signal?: AbortSignal | undefined;
}

/** Warnings about the graph, which stopped nothing. */
export interface Warned {
  /** Probable mistakes, such as a value that is never used. */
  readonly warnings: readonly LamellaError[];
}

/**
 * Compiles a model and writes the package to the folder `out`, which is complete or absent at any
 * time. Without `weights` a graph's package has kernels, plan and manifest only.
 *
 * Throws the errors of the model (L1xx), of its weights and tokenizer (L2xx), L301 if `out` cannot
 * be written, L303 and L305 for options.
 *
 * @example
 * await compile('graphs/mine.ts', { weights: 'random:1', out: 'out/mine' });
 */
export function compile(
  model: AnyModel,
  options: CompileOptions & WriteOptions & { readonly out: string },
): Promise<PackageOnDisk & Warned>;
/**
 * Compiles a model to a package in memory, which `inspect`, `load`, `run` and `bench` take, and
 * which `write` writes to a folder. It holds all weights in memory; give `out` for large models.
 *
 * Throws the errors of the model (L1xx), of its weights and tokenizer (L2xx), L303 and L305 for
 * options.
 *
 * @example
 * const { files } = await compile(graph, { weights: 'random:1', quant: 'q4' });
 */
export function compile(model: AnyModel, options?: CompileOptions): Promise<PackageInMemory & Warned>;
export function compile(
  model: AnyModel,
  given: CompileOptions & WriteOptions & { readonly out?: string } = {},
): Promise<(PackageOnDisk | PackageInMemory) & Warned> {
  return inWordsOfApi(async () => {
    const packing = ['weights', 'ignore', 'target', 'out', 'force', 'name', 'packageVersion'] as const;
    const options = readOptions(given, [...choosing, ...observing, ...packing]);
    const { out, signal } = options;
    const source = await sourceOf(model, options);
    if (source.note !== null) options.onNote?.(source.note);
    return compiled(source, options, async (parts) => {
      const { buildPackage, memoryPackage } = await import('../package/build-package.ts');
      const { warnings } = await import('@lamella/graph/warnings');
      const warned = { warnings: warnings(source.graph).map((warning) => new LamellaError(warning)) };
      if (out === undefined) return { ...(await memoryPackage(parts, options)), ...warned };
      signal?.throwIfAborted();
      return { manifest: await buildPackage(parts, out, options), folder: out, ...warned };
    });
  });
}

/**
 * Writes a package in memory to the folder `out`: the same files that `compile` writes there.
 * Throws L301, and L308 for anything else than a package in memory.
 *
 * @example
 * const compiled = await compile(graph, { weights: 'random:1' });
 * await write(compiled, 'out/mine');
 */
export function write(model: PackageInMemory, out: string, given: WriteOptions = {}): Promise<PackageOnDisk> {
  return inWordsOfApi(async () => {
    const options = readOptions(given, ['force', 'signal']);
    readOptions({ out }, ['out']);
    const found = await recognise(model);
    if (found.kind !== 'memory') {
      const reason = 'it is not a package in memory';
      throw new CompileError('L308', { path: nameOf(model), reason, remedy: 'what compile returned without out' });
    }
    const { writeFiles } = await import('../package/build-package.ts');
    await writeFiles(found.package, out, options);
    return { manifest: found.package.manifest, folder: out };
  });
}

/**
 * A stage of compiling as text: `graph`, `fused`, `plan`, `loops`, `wat` or `wgsl`. Throws like
 * `compile`.
 *
 * @example
 * console.log(await emit(graph, 'plan'));
 */
export function emit(model: AnyModel, stage: Stage, given: CompileOptions = {}): Promise<string> {
  return inWordsOfApi(async () => {
    const options = readOptions(given, [...choosing, ...observing, 'weights', 'ignore', 'target']);
    const source = await sourceOf(model, options);
    return compiled(source, options, async ({ compilation }) => compilation.stages[stage]());
  });
}

async function sourceOf(model: AnyModel, options: CompileOptions): Promise<Uncompiled> {
  // esbuild reads a graph file in its own process, so the compiler is loaded meanwhile.
  const [source] = await Promise.all([
    uncompiled(model, options, options.target && listed(options.target)),
    import('@lamella/compiler/pipeline'),
  ]);
  return source;
}

/** Compiles `source` and opens its weights for `use`. */
async function compiled<T>(
  source: Uncompiled,
  { weights: spec = source.checkpoint ?? undefined, ignore, signal, onNote }: CompileOptions,
  use: (parts: PackageParts) => Promise<T>,
): Promise<T> {
  const { graph, options } = source;
  const { compile: compileGraph } = await import('@lamella/compiler/pipeline');
  if (spec === undefined && ignore !== undefined) {
    const reason = 'without weights there are no tensors to ignore';
    throw new CompileError('L305', { option: '--ignore', reason, remedy: '--weights DIR or FILE, or leaving it out' });
  }
  const { openWeights } = await import('@lamella/checkpoint/open');
  const weights = spec === undefined ? null : await openWeights(spec, graph, listed(ignore ?? []));
  try {
    const note = spec === undefined ? null : await roundingNote(spec, options.quant);
    if (note !== null) onNote?.(note);
    signal?.throwIfAborted();
    const compilation = await withGraph(source, () => compileGraph(graph, options));
    const tokenizer =
      spec === undefined ? null : await (await import('../model/tokenizer-files.ts')).findTokenizer(spec, graph.vocab);
    if (tokenizer?.chat?.note) onNote?.(tokenizer.chat.note);
    return await use({ compilation, weights, tokenizer });
  } finally {
    await weights?.close();
  }
}

/** A package in memory from a graph, for functions that run it at once. */
export async function compiledInMemory(
  source: Exclude<Recognised, { readonly kind: 'package' | 'memory' }>,
  options: WeightedChoices & Observed,
  targets: readonly Target[],
): Promise<PackageInMemory> {
  const found = await fromSource(source, options, targets);
  if (found.note !== null) options.onNote?.(found.note);
  return compiled(found, options, async (parts) => {
    const { memoryPackage } = await import('../package/build-package.ts');
    return memoryPackage(parts, options);
  });
}
