/**
 * Modules: functions that own weights. Weights are compared by identity, so a module object that is
 * used in several places is one set of weights. Modules have no names of their own: a name is the
 * path of keys under which `init` returns the module, as in a checkpoint.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, Stored, WeightRole } from '@lamella/graph/ir';
import { isPlainObject } from './arguments.ts';
import { closed } from './closed.ts';
import { describe } from './describe.ts';
import { checkKey } from './names.ts';
import type { Capture } from './site.ts';

/** As `Stored`, but with the tensor's name as a function of the weight's name. */
export type StoredAs = Omit<Stored, 'tensor'> & { readonly tensorOf: (name: string) => string };

/** One weight tensor, before it has a name. Row-major; a matrix is [out, in]. */
export class Parameter {
  readonly shape: readonly number[];
  readonly role: WeightRole;
  readonly site: Capture;
  /** Null if the checkpoint has a tensor of this name and shape. */
  readonly stored: StoredAs | null;

  constructor(shape: readonly number[], role: WeightRole, site: Capture, stored: StoredAs | null = null) {
    this.shape = shape;
    this.role = role;
    this.site = site;
    this.stored = stored;
  }
}

/** The properties of a module besides its call. */
export interface ModuleInfo {
  /** The DSL function that made it, e.g. `rmsNorm`. */
  readonly made: string;
  /**
   * Its axes in the order of the author's call. The first is the axis of its input, except for
   * tables.
   */
  readonly axes: readonly Axis[];
  readonly children: Readonly<Record<string, Module | Parameter>>;
  readonly site: Capture;
  /** Throws if its arguments are invalid. Called with its place in the model, before tracing. */
  readonly check: (place: string) => void;
}

export const moduleInfo: unique symbol = Symbol('lamella.module');

/** A module: the result of `linear`, `gqa`, `stack`, ... */
export interface Module {
  readonly [moduleInfo]: ModuleInfo;
}

/** The result of an `init`: modules under their checkpoint names, in nested plain objects. */
export type Tree = Module | { readonly [key: string]: Tree };

/** Makes a function a module. */
export function asModule<F extends object>(call: F, info: ModuleInfo): F & Module {
  return Object.assign(call, { [moduleInfo]: info });
}

/**
 * The modules and weights of a tree with their names in it. A module that appears twice has its
 * first name.
 */
export interface Scope {
  /** The tree that the body receives: reading a missing key throws L131. */
  readonly tree: Tree;
  readonly modules: ReadonlyMap<Module, string>;
  readonly parameters: ReadonlyMap<Parameter, string>;
}

/** Joins the parts of a dotted name, without empty parts. */
export function dotted(...parts: readonly (string | number)[]): string {
  return parts.filter((part) => part !== '').join('.');
}

/**
 * Names and checks every module of `tree`. `place` is the stack that it belongs to (empty for the
 * model), `owner` the call that `init` was given to. Throws L119, L126 and the errors of the
 * modules.
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

/** `node`, which `init` returned as `name`; reading a missing key throws L131. */
function known(node: { readonly [key: string]: Tree }, place: string, name: string): Tree {
  return closed(node, (key, meant, site) => {
    const remedy = meant.map((each) => dotted(name, each)).join(', ') || 'returning a module under that key';
    return new LamellaError('L131', { source: 'init returned', name: dotted(name, key), remedy }, { place, site });
  });
}

/** The remedy for an `init` that returned `node`. */
function instead(node: unknown): string {
  if (typeof node === 'function') return 'what it returns, as in rmsNorm(d)';
  return Array.isArray(node)
    ? 'an object of modules, whose keys are their names'
    : 'linear, rmsNorm, gqa, swiglu, embedding or stack(count, block)';
}

export function isModule(node: unknown): node is Module {
  return (typeof node === 'function' || typeof node === 'object') && node !== null && moduleInfo in node;
}
