/** The model argument of the API's functions, in each of its forms. */
import { statSync } from 'node:fs';
import { describe } from '@lamella/dsl/describe';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import type { Manifest } from '@lamella/runtime/manifest';
import { hasGraphName } from '../model/graph-name.ts';

/** A compiled package in memory. */
export interface PackageInMemory {
  /** Sizes, memory plan, hashes, golden probe. */
  readonly manifest: Manifest;
  /** The content of every file, by name: what `compile` writes to `out`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** A compiled package in a folder. */
export interface PackageOnDisk {
  /** Sizes, memory plan, hashes, golden probe. */
  readonly manifest: Manifest;
  /** The path of the folder. */
  readonly folder: string;
}

/** A compiled package. */
export type Package = PackageInMemory | PackageOnDisk;

/**
 * A model: a graph from `defineModel`, a compiled package, or the path of a graph file, of a
 * package, of a folder from Hugging Face or of a `.gguf` file.
 */
export type AnyModel = Graph | Package | string;

/** `AnyModel`, recognised. A checkpoint is a folder from Hugging Face or a `.gguf` file. */
export type Recognised =
  | { readonly kind: 'graph'; readonly graph: Graph }
  | { readonly kind: 'graphFile' | 'checkpoint' | 'package'; readonly path: string }
  | { readonly kind: 'memory'; readonly package: PackageInMemory };

/** Throws L308 for anything that is not a model. */
export async function recognise(model: AnyModel): Promise<Recognised> {
  if (typeof model === 'string') {
    if (isGraphFile(model)) return { kind: 'graphFile', path: model };
    return { kind: await (await import('../model/model-kind.ts')).modelKind(model), path: model };
  }
  if (typeof model === 'object' && model !== null) {
    if ('files' in model && 'manifest' in model) return { kind: 'memory', package: model };
    if ('folder' in model) return { kind: 'package', path: model.folder };
    if ('root' in model && 'stacks' in model && 'kinds' in model) return { kind: 'graph', graph: model };
  }
  const remedy = 'what defineModel or compile returned, or a path';
  throw new LamellaError('L308', { path: describe(model), reason: 'it is neither a graph nor a package', remedy });
}

function isGraphFile(path: string): boolean {
  return hasGraphName(path) && !statSync(path, { throwIfNoEntry: false })?.isDirectory();
}

/** The name of a model for messages and tables: its path, or its own name. */
export function nameOf(model: AnyModel): string {
  if (typeof model === 'string') return model;
  if ('folder' in model) return model.folder;
  return 'files' in model ? model.manifest.name : model.name;
}
