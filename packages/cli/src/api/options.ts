/**
 * The options of the API's functions. Each is checked before any work starts: TypeScript checks
 * what it can, this file also checks callers without types, and values that types cannot describe.
 */
import { describe } from '@lamella/dsl/describe';
import { LamellaError } from '@lamella/graph/diagnostics';
import { nearest } from '@lamella/graph/nearest';
import type { Fallback } from '@lamella/runtime/api';
import {
  anyOf,
  type Device,
  devices,
  type FormatName,
  formatNames,
  type KvName,
  kvNames,
  targets,
} from '@lamella/runtime/choices';
import { hostNames } from '../contract.ts';
import { isNpmName, isNpmVersion } from '../package/npm-rules.ts';
import { faultOf } from '../profile/fault.ts';

/** Progress of long work. */
export interface Progress {
  /** What is being done. */
  readonly step: 'packing weights' | 'loading weights' | 'measuring';
  /** Bytes or rounds that are done. */
  readonly done: number;
  /** Bytes or rounds in all. */
  readonly total: number;
}

/** Options of every function that takes long. */
export interface Observed {
  /** Called whenever work advances. If it throws, the work ends with that error. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Called with a sentence about a choice that was made: a checkpoint's context was limited, a
   * checkpoint is compiled into the cache, a format rounds the quantised weights of a GGUF file
   * again.
   */
  readonly onNote?: ((note: string) => void) | undefined;
  /**
   * Ends the work: the promise rejects with the signal's reason, and no file stays half-written.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How a model is compiled. A compiled package takes none of these. */
export interface CompileChoices {
  /** The format of the weights. Default: `q8`. */
  readonly quant?: FormatName | undefined;
  /** The format of keys and values. Default: `f32`. */
  readonly kv?: KvName | undefined;
  /**
   * The longest sequence, in tokens. Default: the size of the graph's token axis; for a checkpoint
   * its own context, at most 2048.
   */
  readonly context?: number | undefined;
}

/** How a model is compiled, and from which weights. A compiled package takes none of these. */
export interface WeightedChoices extends CompileChoices {
  /**
   * A checkpoint folder, a `.safetensors`, `.bin` or `.gguf` file, or `random:SEED`. Default: a
   * checkpoint's own weights; none for a graph.
   */
  readonly weights?: string | undefined;
  /**
   * Names of superfluous tensors in the checkpoint, with `*` for any characters:
   * `'*.attention.mask'`. Default: none, and such tensors are refused.
   */
  readonly ignore?: string | readonly string[] | undefined;
}

/** What a loaded model computes on. */
export interface DeviceChoices {
  /**
   * The device to compute on. Default: `auto`, which takes WebGPU if there is a GPU and the package
   * has kernels for it, else WASM. Node has WebGPU if the package `webgpu` is installed.
   */
  readonly device?: Device | undefined;
  /**
   * The largest number of threads. Default: one per core, at most 4, and fewer for small models,
   * whose threads would mostly wait.
   */
  readonly threads?: number | undefined;
  /** Called when a faster choice cannot be used, while loading or later. */
  readonly onFallback?: ((fallback: Fallback) => void) | undefined;
}

interface Rule {
  readonly range: string;
  readonly holds: (value: unknown) => boolean;
}

const oneOf = (values: readonly string[]): Rule => ({
  range: anyOf(values),
  holds: (value) => values.some((each) => each === value),
});
const wholeNumber: Rule = {
  range: 'a whole number of at least 1',
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
};
const text: Rule = { range: 'a text that is not empty', holds: (value) => typeof value === 'string' && value !== '' };
const flag: Rule = { range: 'true or false', holds: (value) => typeof value === 'boolean' };
const callback: Rule = { range: 'a function', holds: (value) => typeof value === 'function' };
const listOf = (rule: Rule): Rule => ({
  range: `${rule.range}, or a list of them`,
  holds: (value) => rule.holds(value) || (Array.isArray(value) && value.length > 0 && value.every(rule.holds)),
});

/** The range of every option of the API. */
const rules = {
  quant: oneOf(formatNames),
  kv: oneOf(kvNames),
  context: wholeNumber,
  target: listOf(oneOf(targets)),
  weights: text,
  ignore: listOf(text),
  out: text,
  force: flag,
  name: {
    range: 'a name that npm accepts, such as @me/model',
    holds: (value) => typeof value === 'string' && isNpmName(value),
  },
  packageVersion: {
    range: 'a version such as 1.2.0 or 1.2.0-beta.1',
    holds: (value) => typeof value === 'string' && isNpmVersion(value),
  },
  device: oneOf(devices),
  threads: listOf(wholeNumber),
  host: oneOf(hostNames),
  promptTokens: wholeNumber,
  maxTokens: wholeNumber,
  repeat: wholeNumber,
  all: flag,
  sessions: {
    range: 'a whole number of at least 0',
    holds: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
  profile: {
    range: 'the content of a file that lamella profile wrote',
    holds: (value) => faultOf(value) === null,
  },
  onProgress: callback,
  onNote: callback,
  onFallback: callback,
  signal: { range: 'an AbortSignal', holds: (value) => value instanceof AbortSignal },
} as const satisfies Readonly<Record<string, Rule>>;

export type OptionName = keyof typeof rules;

/** The names of the options in `Observed` and in `CompileChoices`. */
export const observing = ['onProgress', 'onNote', 'signal'] as const satisfies readonly OptionName[];
export const choosing = ['quant', 'kv', 'context'] as const satisfies readonly OptionName[];

/**
 * Throws L303 for anything else than an object: a list, a map or a date would count as no options.
 */
export function requireObject(options: unknown): void {
  if (Object.prototype.toString.call(options) === '[object Object]') return;
  throw new LamellaError('L303', {
    option: 'options',
    value: describe(options),
    remedy: 'an object, or leaving it out',
  });
}

/**
 * A copy of the options that are given, so that changing them after the call has no effect. Throws
 * L303 if `given` is no object or a value is out of range, L305 for an option that is not in
 * `names`, and the reason of a signal that is aborted already.
 */
export function readOptions<O extends object>(given: O, names: readonly OptionName[]): O {
  requireObject(given);
  const unknown = Object.keys(given).find((name) => !names.some((each) => each === name));
  if (unknown !== undefined) {
    const remedy = nearest(unknown, names) ?? names.join(', ');
    throw new LamellaError('L305', { option: unknown, reason: 'there is no such option', remedy });
  }
  const values = names.map((name) => [name, (given as Readonly<Record<string, unknown>>)[name]] as const);
  const options = values.flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (!rules[name].holds(value))
      throw new LamellaError('L303', { option: name, value: describe(value), remedy: rules[name].range });
    return [[name, Array.isArray(value) ? [...value] : value]];
  });
  const copy = Object.fromEntries(options) as O & Observed;
  copy.signal?.throwIfAborted();
  return copy;
}

/**
 * Throws L305 if the compiled package `path` is to be used with choices of compiling: it is
 * compiled already.
 */
export function refuseChoices(path: string, { quant, kv, context, weights, ignore }: WeightedChoices): void {
  const choices = { '--quant': quant, '--kv': kv, '--context': context, '--weights': weights, '--ignore': ignore };
  const given = Object.entries(choices);
  const [option] = given.find(([, value]) => value !== undefined) ?? [];
  if (option === undefined) return;
  throw new LamellaError('L305', {
    option,
    reason: `${path} is compiled already, so this option does not change it`,
    remedy: `leaving it out, or lamella compile with ${option}`,
  });
}

/** One value or several, as a list. */
export function listed<T extends string | number>(value: T | readonly T[]): readonly T[] {
  return typeof value === 'object' ? value : [value];
}
