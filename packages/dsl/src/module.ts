/**
 * Modules: callables that own weights. A weight is known by identity, so a module object that appears in several places is one set of
 * weights. It has no name until a model is defined: names come from the keys it is returned under, as in a checkpoint.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, Stored, WeightRole } from '@lamella/graph/ir';
import { isPlainObject } from './arguments.ts';
import { closed } from './closed.ts';
import { describe } from './describe.ts';
import { checkKey } from './names.ts';
import type { Capture } from './site.ts';

/** How a weight is made of a tensor of the checkpoint, whose name follows from the weight's own (see `Stored`). */
export type StoredAs = Omit<Stored, 'tensor'> & { readonly tensorOf: (name: string) => string };

/** One weight tensor, before it has a name. Row-major; a matrix is [out, in]. */
export class Parameter {
  readonly shape: readonly number[];
  readonly role: WeightRole;
  readonly site: Capture;
  /** Null where the checkpoint has it as it is. */
  readonly stored: StoredAs | null;

  constructor(shape: readonly number[], role: WeightRole, site: Capture, stored: StoredAs | null = null) {
    this.shape = shape;
    this.role = role;
    this.site = site;
    this.stored = stored;
  }
}

/** What a module is besides a function. */
export interface ModuleInfo {
  /** The call that makes it, e.g. `rmsNorm`. */
  readonly made: string;
  /** The axes that it was given, in the order they were written; the one that it takes is the first, but for a table. */
  readonly axes: readonly Axis[];
  readonly children: Readonly<Record<string, Module | Parameter>>;
  readonly site: Capture;
  /** Throws what is wrong with its arguments. Called with its place once that is known, before anything is traced. */
  readonly check: (place: string) => void;
}

export const moduleInfo: unique symbol = Symbol('lamella.module');

/** Anything with weights: what `linear`, `gqa`, `stack`... return. */
export interface Module {
  readonly [moduleInfo]: ModuleInfo;
}

/** What an `init` returns: modules under their checkpoint names, in plain objects as deep as the names ask for. */
export type Tree = Module | { readonly [key: string]: Tree };

/** Makes a function a module. */
export function asModule<F extends object>(call: F, info: ModuleInfo): F & Module {
  return Object.assign(call, { [moduleInfo]: info });
}

/** The modules and weights of a tree with their names inside it; something that appears twice keeps its first name. */
export interface Scope {
  /** The tree as a body gets it: each key was read once, and one that is not there throws L131. */
  readonly tree: Tree;
  readonly modules: ReadonlyMap<Module, string>;
  readonly parameters: ReadonlyMap<Parameter, string>;
}

/** Joins the parts of a dotted name; empty parts vanish. */
export function dotted(...parts: readonly (string | number)[]): string {
  return parts.filter((part) => part !== '').join('.');
}

/**
 * Names everything in `tree`, which `owner` returned at `place` in the model, and checks each module.
 * Throws L119, L126 and what checks throw.
 */
export function nameTree(tree: Tree, place: string, owner: Capture): Scope {
  const modules = new Map<Module, string>();
  const parameters = new Map<Parameter, string>();
  const visitModule = (module: Module, name: string): void => {
    if (modules.has(module)) return;
    modules.set(module, name);
    module[moduleInfo].check(dotted(place, name));
    for (const [key, child] of Object.entries(module[moduleInfo].children)) {
      if (!(child instanceof Parameter)) visitModule(child, dotted(name, key));
      else if (!parameters.has(child)) parameters.set(child, dotted(name, key));
    }
  };
  const visit = (node: unknown, name: string): Tree => {
    if (isModule(node)) {
      visitModule(node, name);
      return node;
    }
    if (!isPlainObject(node)) {
      const key = dotted(place, name) || 'what init returns';
      throw new LamellaError('L119', { key, got: describe(node), remedy: instead(node) }, { site: owner() });
    }
    const children = Object.entries(node).map(([key, child]) => {
      checkKey(key, owner);
      checkKey(dotted(name, key), owner);
      return [key, visit(child, dotted(name, key))] as const;
    });
    return known(Object.fromEntries(children), place, name);
  };
  return { tree: visit(tree, ''), modules, parameters };
}

/** `node`, which `init` returned as `name`: another key in it throws L131. */
function known(node: { readonly [key: string]: Tree }, place: string, name: string): Tree {
  return closed(node, (key, meant, site) => {
    const remedy = meant.map((each) => dotted(name, each)).join(', ') || 'returning a module under that key';
    return new LamellaError('L131', { source: 'init returned', name: dotted(name, key), remedy }, { place, site });
  });
}

/** What an `init` may return instead of `node`. */
function instead(node: unknown): string {
  if (typeof node === 'function') return 'what it returns, as in rmsNorm(d)';
  return Array.isArray(node)
    ? 'an object of modules, whose keys are their names'
    : 'linear, rmsNorm, gqa, swiglu, embedding or stack(count, block)';
}

export function isModule(node: unknown): node is Module {
  return (typeof node === 'function' || typeof node === 'object') && node !== null && moduleInfo in node;
}
