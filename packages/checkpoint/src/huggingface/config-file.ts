/**
 * `config.json` as values of the expected type and range. The reader records each key that a family reads, and `finish`
 * refuses the others unless they are known to leave the maths unchanged: a key that nothing reads could mean another model.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { isPositiveF32 } from '@lamella/graph/f32';
import { neutralKey } from './neutral-keys.ts';

type Fields = Readonly<Record<string, unknown>>;

/** No config has a thousandth of it. */
const maxBytes = 16 << 20;

/** Largest sizes that are believed: a damaged config is refused at once instead of after an hour of compiling. */
export const largest = {
  width: 1 << 20,
  heads: 1 << 12,
  layers: 1 << 10,
  vocabulary: 1 << 22,
  context: 1 << 26,
  repeats: 1 << 4,
  /** The limit of `causalConv`. */
  taps: 64,
} as const;

/** The kinds of size a config has. */
export type Size = keyof typeof largest;

export class Config {
  readonly file: string;
  readonly #fields: Fields;
  /** Where the fields stand in the file, e.g. `rope_scaling.`; empty for the file's own. */
  readonly #within: string;
  readonly #read: Set<string>;

  constructor(file: string, fields: Fields, within = '') {
    this.file = file;
    this.#fields = fields;
    this.#within = within;
    this.#read = new Set();
  }

  /** The same file, as if nothing had been read yet. */
  fresh(): Config {
    return new Config(this.file, this.#fields, this.#within);
  }

  /** L206 for this file. */
  refusal(reason: string, remedy: string): LamellaError {
    return new LamellaError('L206', { file: this.file, reason, remedy });
  }

  /** L206 that shows `key` with its value. */
  refusalOf(key: string, remedy: string): LamellaError {
    const value = key in this.#fields ? written(this.#fields[key]) : 'missing';
    return this.refusal(`${this.#within}${key} is ${value}`, remedy);
  }

  /** The value of `key`; undefined when it is absent or null. Counts as read. */
  value(key: string): unknown {
    this.#read.add(key);
    return this.#fields[key] ?? undefined;
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  /** The first of `keys` that is there (families and versions spell one thing in several ways), else the first. */
  spelling(...keys: readonly [string, ...string[]]): string {
    return keys.find((key) => this.has(key)) ?? keys[0];
  }

  /** A whole number from `least`; `otherwise` where the key is absent. */
  size(key: string, kind: Size, otherwise?: number, least = 1): number {
    const value = this.value(key) ?? otherwise;
    const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
    if (isWhole && value >= least && value <= largest[kind]) return value;
    throw this.refusalOf(key, `a whole number from ${least} to ${largest[kind]} for ${this.#within}${key}`);
  }

  /** A number above 0 that f32, in which kernels compute, can hold. */
  positive(key: string, most: number, otherwise?: number): number {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'number' && isPositiveF32(value) && value <= most) return value;
    throw this.refusalOf(key, `a number above 0 and at most ${most} for ${this.#within}${key}`);
  }

  flag(key: string, otherwise = false): boolean {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.refusalOf(key, `true or false for ${this.#within}${key}`);
  }

  /** Whether `key` is null, which in `transformers` means "none" where an absent key means the default. */
  isNull(key: string): boolean {
    return this.#fields[key] === null;
  }

  /** One of `choices`, by its name in the file. */
  choice<T>(key: string, choices: Readonly<Record<string, T>>, otherwise?: string): T {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'string' && Object.hasOwn(choices, value)) return choices[value]!;
    throw this.refusalOf(key, `a checkpoint with ${key}: ${alternatives(Object.keys(choices))}`);
  }

  /** Throws L206 unless `key` is absent or one of `values`: `feature` is what another value would need. */
  only(key: string, values: readonly unknown[], feature: string): void {
    const value = this.value(key);
    if (value === undefined || values.includes(value)) return;
    const wanted = values.length > 0 ? `${key}: ${alternatives(values)}` : `no ${key}`;
    throw this.refusalOf(key, `a checkpoint with ${wanted}: ${feature} cannot be imported`);
  }

  /**
   * A list, or undefined where there is none. Its first `length` entries are read (null: all); more are ignored, as in
   * `transformers`.
   */
  list<T>(
    key: string,
    length: number | null,
    isEntry: (value: unknown) => value is T,
    entry: string,
  ): readonly T[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const isLong = Array.isArray(value) && value.length >= (length ?? 0);
    if (isLong && value.every(isEntry)) return value.slice(0, length ?? value.length);
    throw this.refusalOf(
      key,
      `a list of ${length ?? 'any number of'} entries, each ${entry}, for ${this.#within}${key}`,
    );
  }

  /** The object under `key` as a config of its own; undefined where there is none. Its own keys must be finished, too. */
  object(key: string): Config | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (isRecord(value)) return new Config(this.file, value, `${this.#within}${key}.`);
    throw this.refusalOf(key, `an object for ${this.#within}${key}`);
  }

  /** Throws L206 for the first key that was neither read nor known to change nothing. */
  finish(family: string): void {
    const [key] = this.unread();
    if (key === undefined) return;
    const remedy = `removing ${key} if it changes nothing, or writing the graph by hand`;
    throw this.refusalOf(key, `${remedy}: model_type ${family} is imported without ${this.#within}${key}`);
  }

  /** The keys that were neither read nor known to change nothing. */
  unread(): readonly string[] {
    return Object.entries(this.#fields).flatMap(([key, value]) =>
      value === null || this.#read.has(key) || neutralKey(key, value) ? [] : [key],
    );
  }
}

/** Reads `config.json` in the folder `dir`. Throws L302 when it cannot be read and L206 when it is not a JSON object. */
export function readConfig(dir: string): Config {
  const file = path.join(dir, 'config.json');
  const unreadable = (reason: string) => {
    const remedy = 'a folder with the config.json of a Hugging Face checkpoint';
    return new LamellaError('L302', { path: file, reason, remedy });
  };
  const refuse = (reason: string) => new LamellaError('L206', { file, reason, remedy: 'fetching it again' });
  let bytes: Uint8Array;
  try {
    // Checked before opening: opening a pipe waits until some program writes to it.
    const found = statSync(file);
    if (!found.isFile()) throw unreadable(found.isDirectory() ? 'it is a folder' : 'it is not a file');
    if (found.size > maxBytes) throw refuse(`it has ${found.size} bytes, and at most ${maxBytes} are read`);
    bytes = readFileSync(file);
  } catch (error) {
    throw error instanceof LamellaError ? error : unreadable((error as Error).message);
  }
  let fields: unknown;
  try {
    // TextDecoder removes a byte order mark.
    fields = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw refuse(`it is not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(fields)) throw refuse('it is not a JSON object');
  return new Config(file, fields);
}

function alternatives(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(' or ');
}

/** A value as the file has it, short enough for a message: what is inside nested objects and lists is left out. */
function written(value: unknown): string {
  const inside = (each: unknown) => (typeof each === 'object' && each !== null ? '...' : each);
  const shallow = isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inside(each)]))
    : Array.isArray(value)
      ? value.map(inside)
      : value;
  const json = JSON.stringify(shallow);
  return json.length > 60 ? `${json.slice(0, 60)}...` : json;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
