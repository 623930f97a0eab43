/**
 * The model description in a file: the keys of its architecture, the names of its tensors, and
 * RoPE's factors. A reader checks each key that it reads. Keys that it does not read are refused by
 * name, because they may change what the model computes.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { excerpt, shown } from '../excerpt.ts';
import { largest, type Size } from '../huggingface/config-file.ts';
import type { StoredTensor } from '../tensor-file.ts';
import type { MetadataValue } from './container.ts';

/** What is read of a file: export reads its own files back before it writes them. */
export interface Described {
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: ReadonlyMap<string, Pick<StoredTensor, 'shape'>>;
}

export class Keys {
  readonly file: string;
  readonly architecture: string;
  /** The values of the tensor `rope_freqs.weight`; null if there is none. */
  readonly ropeFactors: Float32Array | null;
  readonly #gguf: Described;
  readonly #read = new Set<string>();

  constructor(file: string, architecture: string, gguf: Described, ropeFactors: Float32Array | null = null) {
    this.file = file;
    this.architecture = architecture;
    this.ropeFactors = ropeFactors;
    this.#gguf = gguf;
  }

  refuse(reason: string, remedy: string): LamellaError {
    return new LamellaError('L206', { file: this.file, reason, remedy });
  }

  has(tensor: string): boolean {
    return this.#gguf.tensors.has(tensor);
  }

  /** The number of rows of the embedding. */
  vocab(): number {
    const rows = this.#gguf.tensors.get('token_embd.weight')?.shape[0];
    if (rows === undefined) throw this.refuse('it has no tensor token_embd.weight', 'a file with a whole model');
    if (rows > 0 && rows <= largest.vocabulary) return rows;
    throw this.refuse(`token_embd.weight has ${rows} rows`, `a vocabulary of 1 to ${largest.vocabulary} tokens`);
  }

  /** Whether these tensors of these layers have biases. Throws L206 if only some have. */
  biases(layers: readonly number[], tensors: readonly string[]): boolean {
    const wanted = layers.flatMap((layer) => tensors.map((name) => `blk.${layer}.${name}.bias`));
    const missing = wanted.find((name) => !this.has(name));
    if (missing === undefined) return wanted.length > 0;
    const there = wanted.find((name) => this.has(name));
    if (there === undefined) return false;
    throw this.refuse(`it has ${there}, and not ${missing}`, 'a checkpoint with all of these biases, or none');
  }

  /** A whole number from 1; `otherwise` if the key is absent. */
  size(key: string, kind: Size, otherwise?: number): number {
    const value = this.#value(key) ?? otherwise;
    if (isSize(value, largest[kind])) return value;
    throw this.#refuseKey(key, `a whole number from 1 to ${largest[kind]} for it`);
  }

  /** A whole number from 0. */
  count(key: string, kind: Size, otherwise: number): number {
    const value = this.#value(key) ?? otherwise;
    return value === 0 ? value : this.size(key, kind, otherwise);
  }

  /**
   * A size that is the same in every layer, except for layers where it is 0. llama.cpp stores one
   * number for all layers or one number per layer.
   */
  sizeOfAll(key: string, kind: Size, otherwise?: number): number {
    const values = this.perLayer(key);
    if (values === null) return this.size(key, kind, otherwise);
    const distinct = [...new Set(values.filter((each) => each !== 0))];
    if (distinct.length === 1 && isSize(distinct[0], largest[kind])) return distinct[0];
    throw this.#refuseKey(key, 'a checkpoint whose layers have one size, or the graph written by hand');
  }

  /** One number per layer; null if the key has a single value or is absent. */
  perLayer(key: string): readonly MetadataValue[] | null {
    const value = this.#value(key);
    return Array.isArray(value) ? value : null;
  }

  /** A number above 0 and at most `most`; `otherwise` if the key is absent. */
  positive(key: string, most: number, otherwise?: number): number {
    const value = this.#value(key) ?? otherwise;
    if (typeof value === 'number' && value > 0 && value <= most) return shortest(value);
    throw this.#refuseKey(key, `a number above 0 and at most ${most} for it`);
  }

  /** A finite number; `otherwise` if the key is absent. */
  number(key: string, otherwise: number): number {
    const value = this.#value(key) ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return shortest(value);
    throw this.#refuseKey(key, 'a number for it');
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#value(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.#refuseKey(key, 'true or false for it');
  }

  text(key: string, otherwise: string): string {
    const value = this.#value(key) ?? otherwise;
    if (typeof value === 'string') return shown(value);
    throw this.#refuseKey(key, 'a text for it');
  }

  /** Refuses all other values. An absent key is accepted. */
  only(key: string, values: readonly MetadataValue[], needs: string): void {
    const value = this.#value(key);
    if (value === undefined || values.includes(value)) return;
    const remedy = 'a checkpoint without it, or the graph written by hand';
    throw this.refuse(`${this.#named(key)} is ${excerpt(value)}, which means ${needs}`, remedy);
  }

  /** Marks keys as read that do not change what the model computes. */
  passOver(...keys: readonly string[]): void {
    for (const key of keys) this.#read.add(this.#named(key));
  }

  wasRead(key: string): boolean {
    return this.#read.has(this.#named(key));
  }

  /** Throws L206 for the first key of the architecture that was not read. */
  finish(): void {
    for (const [key, value] of this.#gguf.metadata) {
      if (!key.startsWith(`${this.architecture}.`) || this.#read.has(key)) continue;
      const reason = `${shown(key)} is ${excerpt(value)}, and what that changes is not known here`;
      throw this.refuse(reason, 'a checkpoint without it, or the graph written by hand');
    }
  }

  #value(key: string): MetadataValue | undefined {
    const name = this.#named(key);
    this.#read.add(name);
    return this.#gguf.metadata.get(name);
  }

  #named(key: string): string {
    return `${this.architecture}.${key}`;
  }

  #refuseKey(key: string, remedy: string): LamellaError {
    const name = this.#named(key);
    return this.refuse(`${name} is ${excerpt(this.#gguf.metadata.get(name))}`, remedy);
  }
}

function isSize(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= most;
}

/** The shortest decimal number that rounds to this f32: 1e-5 for 9.999999747378752e-6. */
function shortest(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}
