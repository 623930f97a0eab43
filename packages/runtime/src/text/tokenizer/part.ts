/**
 * Reads a part of `tokenizer.json` (a normalizer, a decoder, ...) and refuses every type or key
 * that is not listed: ignoring one would silently give other ids than the tokenizer that the model
 * was trained with.
 */

export type Json = Readonly<Record<string, unknown>>;

/**
 * An unsupported part of a `tokenizer.json`, with its place: `pre_tokenizer.pretokenizers[1]: ...`.
 */
export class NotUnderstood extends Error {
  override readonly name = 'NotUnderstood';
}

/** An object of the file and its place. */
export interface Part {
  readonly at: string;
  readonly json: Json;
}

/** Functions that build a part, by its type in the file. */
export type Makers<T> = Readonly<Record<string, (part: Part, depth: number) => T>>;

/** Sequences may contain sequences; a file that nests them deeper than this is not a tokenizer. */
const maxDepth = 8;

export function refuse(at: string, reason: string): never {
  throw new NotUnderstood(`${at}: ${reason}`);
}

/** `value` as an object. */
export function partOf(value: unknown, at: string): Part {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(at, 'it is not an object');
  return { at, json: value as Json };
}

/** Builds the part with the function for its type. */
export function make<T>(value: unknown, at: string, makers: Makers<T>, depth = 0): T {
  const part = partOf(value, at);
  const { type } = part.json;
  const maker = typeof type === 'string' && Object.hasOwn(makers, type) ? makers[type] : undefined;
  if (!maker) {
    const known = Object.keys(makers).join(', ');
    return refuse(at, `type ${JSON.stringify(type) ?? 'missing'} is none of ${known}`);
  }
  if (depth > maxDepth) return refuse(at, 'sequences are nested too deeply');
  return maker(part, depth);
}

/** Builds the members of a sequence. */
export function makeAll<T>(part: Part, key: string, makers: Makers<T>, depth: number): T[] {
  allow(part, key);
  return array(part, key).map((value, i) => make(value, `${part.at}.${key}[${i}]`, makers, depth + 1));
}

/**
 * The part under `value` or, if it is a sequence, its members, also those of nested sequences. For
 * parts that were already checked.
 */
export function membersOf(value: unknown, key: string): readonly Json[] {
  const json = (value ?? {}) as Json;
  return json.type === 'Sequence' ? (json[key] as unknown[]).flatMap((member) => membersOf(member, key)) : [json];
}

/** Refuses keys other than `type` and these. */
export function allow(part: Part, ...keys: readonly string[]): void {
  for (const key of Object.keys(part.json)) {
    if (key !== 'type' && !keys.includes(key)) refuse(part.at, `the key ${JSON.stringify(key)} is not understood`);
  }
}

/** A boolean; `otherwise` if it is absent or null. */
export function flag({ at, json }: Part, key: string, otherwise: boolean): boolean {
  const value = json[key] ?? otherwise;
  return typeof value === 'boolean' ? value : refuse(at, `${key} is not true or false`);
}

/** A text; `otherwise`, if given, if it is absent or null. */
export function string({ at, json }: Part, key: string, otherwise?: string): string {
  const value = json[key] ?? otherwise;
  return typeof value === 'string' ? value : refuse(at, `${key} is not a text`);
}

/** A whole number of at least 0. */
export function whole({ at, json }: Part, key: string, otherwise?: number): number {
  const value = json[key] ?? otherwise;
  return isId(value) ? value : refuse(at, `${key} is not a whole number`);
}

export function array({ at, json }: Part, key: string): readonly unknown[] {
  const value = json[key];
  return Array.isArray(value) ? value : refuse(at, `${key} is not a list`);
}

/** One of `choices`, in the spelling of the file. */
export function choice<C extends string>(part: Part, key: string, choices: readonly C[], otherwise?: C): C {
  const value = string(part, key, otherwise);
  const found = choices.find((one) => one === value);
  return found ?? refuse(part.at, `${key} ${JSON.stringify(value)} is none of ${choices.join(', ')}`);
}

/** Ids are indices of a vocabulary; all are below this. */
export const maxId = 2 ** 22;

export function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < maxId;
}
