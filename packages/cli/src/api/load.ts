/** `load`: a running model from any form of a model. */
import type { Model, LoadOptions as PackageLoadOptions } from '@lamella/runtime/api';
import type { Asked } from '../model/checkpoint.ts';
import { openFiles, openPackage } from '../package/open-package.ts';
import { compiledInMemory } from './compile.ts';
import { withoutWeights } from './graph.ts';
import { inWordsOfApi } from './lamella-error.ts';
import { type AnyModel, nameOf, type Package, recognise } from './model.ts';
import {
  choosing,
  type DeviceChoices,
  type Observed,
  observing,
  readOptions,
  refuseChoices,
  type WeightedChoices,
} from './options.ts';

export interface LoadOptions extends WeightedChoices, DeviceChoices, Observed {
  /** The largest number of open sessions. Default: 8. */
  readonly sessions?: number | undefined;
}

/** The options of `load` by name. */
export const loading = [
  ...choosing,
  ...observing,
  'weights',
  'ignore',
  'device',
  'threads',
  'sessions',
  'onFallback',
] as const;

/**
 * Loads a model. The result is the same as that of the `load` of a generated package: `generate`,
 * `logits`, `tokenizer`, `dispose`. A checkpoint is compiled into the cache first; a graph is
 * compiled in memory and needs `weights`.
 *
 * Throws L305 for a graph and L308 for a graph file without `weights`, L405 for a package that has
 * none, L412 for a device that is not available, L407 and L414 for a damaged package, and the
 * errors of compiling.
 *
 * @example
 * using model = await load(graph, { weights: 'random:1' });
 * const { tokens } = await model.generate([1, 2, 3], { maxTokens: 16 }).result();
 */
export function load(model: AnyModel, options: LoadOptions = {}): Promise<Model> {
  return inWordsOfApi(() => loaded(model, options));
}

/** `load` without a translation of errors, for a model that will be asked for this. */
export async function loaded(model: AnyModel, given: LoadOptions, asked: Asked = {}): Promise<Model> {
  const options = readOptions(given, loading);
  const targets = options.device === 'webgpu' ? (['webgpu'] as const) : [];
  return open(await packageFor(model, options, { ...asked, targets }), options);
}

/** A package for `model`, compiled if necessary. */
export async function packageFor(
  model: AnyModel,
  options: WeightedChoices & Observed,
  asked: Asked,
): Promise<Package | string> {
  const found = await recognise(model);
  if (found.kind === 'memory') {
    refuseChoices(nameOf(model), options);
    return found.package;
  }
  if (found.kind !== 'package' && options.weights !== undefined)
    return compiledInMemory(found, options, asked.targets ?? []);
  if (found.kind === 'graph') throw withoutWeights(found.graph);
  const { packageAt } = await import('../model/package-at.ts');
  return packageAt(found.path, options, asked, options);
}

/** Loads a compiled package. */
export async function open(
  model: Package | string,
  { onProgress, device, threads, sessions, signal, onFallback }: LoadOptions,
): Promise<Model> {
  const options: PackageLoadOptions = {
    device,
    threads,
    sessions,
    signal,
    onFallback,
    onProgress: onProgress && ((done, total) => onProgress({ step: 'loading weights', done, total })),
  };
  if (typeof model === 'string') return openPackage(model, options);
  if ('folder' in model) return openPackage(model.folder, options);
  return openFiles(model.manifest.name, model.files, options);
}
