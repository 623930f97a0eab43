/**
 * Presents a GGUF file as a Hugging Face checkpoint: the model as a `Decoder`, and the tensors with
 * the names, row order and values of `transformers`. So one graph accepts the weights of either.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import type { Decoder } from '../decoder/decoder.ts';
import { shown } from '../excerpt.ts';
import { ignoredNames, ignoring } from '../ignored.ts';
import type { Checkpoint, StoredTensor } from '../tensor-file.ts';
import { type Architecture, architectures } from './architectures.ts';
import { Keys } from './keys.ts';
import { type GgufFile, openGguf } from './open.ts';
import { turnedInPairs } from './pairing.ts';
import { rowOrder } from './row-order.ts';
import { huggingFaceName, tensorName, tensorsOf } from './tensor-names.ts';
import { tensorTypes } from './tensor-types.ts';
import { type GgufTokenizer, hasTokenizer, tokenizerOf } from './tokenizer.ts';

/**
 * The model in `file`, without the tensors that match a pattern in `ignore`. Throws the errors of
 * opening it, L206, with key and value, for a model that cannot be imported, and L305 for a pattern
 * that matches nothing or a tensor of the model.
 */
export async function readGgufDecoder(file: string, ignore: readonly string[] = []): Promise<Decoder> {
  const opened = await openGguf(file);
  try {
    const { name, row } = architectureOf(opened, file);
    const keys = new Keys(file, name, opened, await ropeFactorsOf(opened));
    const decoder = row.read(keys);
    keys.finish();
    refuseTensors(opened, { decoder, row, keys, ignore });
    return decoder;
  } finally {
    await opened.close();
  }
}

/** Whether `file` has a tokenizer of any kind. Throws the errors of opening it. */
export async function hasGgufTokenizer(file: string): Promise<boolean> {
  return hasTokenizer(await metadataOf(file));
}

/**
 * The tokenizer in `file`, or null. Throws the errors of opening it, and L207 for a tokenizer that
 * cannot be read.
 */
export async function ggufTokenizer(file: string): Promise<GgufTokenizer | null> {
  return tokenizerOf(await metadataOf(file), file);
}

/** How quantised tensors are stored. */
export interface StoredAs {
  /** A type in blocks, such as Q8_0. */
  readonly type: string;
  /** `table` for the embedding, which is read by rows. */
  readonly role: 'matrix' | 'table';
}

/**
 * How the quantised tensors of `file` are stored, without repetition. Throws the errors of opening
 * it.
 */
export async function quantisedTensors(file: string): Promise<readonly StoredAs[]> {
  const { tensors, close } = await openGguf(file);
  await close();
  const blocks = new Set(
    [...tensorTypes.values()].filter(({ blockValues }) => blockValues > 1).map(({ name }) => name),
  );
  const found = [...tensors.values()].filter(({ dtype }) => blocks.has(dtype));
  const byKey = found.map(({ name, dtype: type }): [string, StoredAs] => {
    const role = name === 'token_embd.weight' ? 'table' : 'matrix';
    return [`${type} ${role}`, { type, role }];
  });
  return [...new Map(byKey.toSorted(([a], [b]) => (a < b ? -1 : 1))).values()];
}

async function metadataOf(file: string): Promise<GgufFile['metadata']> {
  const { metadata, close } = await openGguf(file);
  await close();
  return metadata;
}

/**
 * Opens a GGUF file as a checkpoint for `graph`, with Hugging Face's tensor names. Tensors without
 * such a name keep ggml's. Throws the errors of opening the file, and L206 for an unknown
 * architecture or wrong counts of heads.
 */
export async function openGgufWeights(file: string, graph: Graph): Promise<Checkpoint> {
  const opened = await openGguf(file);
  try {
    return renamed(opened, file, turnedInPairs(graph));
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function renamed(opened: GgufFile, file: string, inPairs: ReadonlySet<string>): Checkpoint {
  const { name: architecture, row } = architectureOf(opened, file);
  const keys = new Keys(file, architecture, opened);
  const tensors = new Map<string, StoredTensor>();
  const origins = new Map<string, Origin>();
  for (const tensor of opened.tensors.values()) {
    // the graph computes these
    if (tensor.name === ropeFactors) continue;
    const parsed = tensorName(tensor.name);
    const name = nameIn(tensor.name, row);
    if (tensors.has(name)) throw keys.refuse(`two of its tensors are ${shown(name)}`, 'fetching it again');
    tensors.set(name, { ...tensor, name, shape: shapeOf(parsed.part, tensor.shape) });
    const order = inPairs.has(name) ? null : rowOrder(row, parsed.part, tensor, keys);
    const isGain = /(?:^|_)norm$/.test(parsed.part) && parsed.kind === 'weight';
    origins.set(name, { stored: tensor, order, subtract: isGain ? row.gainOffset : 0 });
  }
  const originOf = (name: string): Origin => {
    const origin = origins.get(name);
    if (!origin) throw new Error(`${file} has no tensor ${name}`);
    return origin;
  };
  const ordered = inOrder(opened);
  return {
    tensors,
    requireReadable: (name) => opened.requireReadable(originOf(name).stored.name),
    async read(name, from, into) {
      const { stored, order, subtract } = originOf(name);
      if (order) await ordered(stored, order, from, into);
      else await opened.read(stored.name, from, into);
      if (subtract !== 0) for (let i = 0; i < into.length; i++) into[i]! -= subtract;
    },
    close: () => opened.close(),
  };
}

/**
 * The shape in PyTorch. A depthwise convolution there has an axis of length 1 that ggml drops: [d,
 * 1, taps].
 */
function shapeOf(part: string, shape: readonly number[]): readonly number[] {
  return part === 'shortconv.conv' && shape.length === 2 ? [shape[0]!, 1, shape[1]!] : shape;
}

/** The origin of a tensor. */
interface Origin {
  readonly stored: StoredTensor;
  /** Maps a row to its row in the file; null if no rows are moved. */
  readonly order: ((row: number) => number) | null;
  /** Subtracted from every value. */
  readonly subtract: number;
}

/**
 * Reads tensors with moved rows. Such a tensor is read as a whole, because neighbouring rows lie
 * apart, and kept until another one is read, because callers often read it in pieces.
 */
function inOrder(opened: GgufFile) {
  let held: { readonly name: string; readonly values: Float32Array } | null = null;
  return async (
    { name, shape: [rows = 0, columns = 1] }: StoredTensor,
    order: (row: number) => number,
    from: number,
    into: Float32Array,
  ): Promise<void> => {
    if (held?.name !== name) {
      held = null;
      const values = new Float32Array(rows * columns);
      await opened.read(name, 0, values);
      held = { name, values };
    }
    const { values } = held;
    for (let done = 0; done < into.length; ) {
      const row = Math.floor((from + done) / columns);
      const column = from + done - row * columns;
      const count = Math.min(columns - column, into.length - done);
      const start = order(row) * columns + column;
      into.set(values.subarray(start, start + count), done);
      done += count;
    }
  };
}

function architectureOf({ metadata }: GgufFile, file: string): { readonly name: string; readonly row: Architecture } {
  const name = metadata.get('general.architecture');
  const row = typeof name === 'string' ? architectures.get(name) : undefined;
  if (typeof name === 'string' && row) return { name, row };
  const known = [...architectures.keys()].join(', ');
  const reason = typeof name === 'string' ? `its architecture is ${shown(name)}` : 'it does not name its architecture';
  const remedy = `a file of one of the architectures ${known}, or the graph written by hand`;
  throw new LamellaError('L206', { file, reason, remedy });
}

/** The divisors of RoPE's frequencies. */
const ropeFactors = 'rope_freqs.weight';
/** More than any head needs. */
const maxRopeFactors = 1 << 12;

async function ropeFactorsOf(opened: GgufFile): Promise<Float32Array | null> {
  const tensor = opened.tensors.get(ropeFactors);
  if (!tensor) return null;
  opened.requireReadable(ropeFactors);
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  const factors = new Float32Array(Math.min(count, maxRopeFactors));
  await opened.read(ropeFactors, 0, factors);
  return factors;
}

/** Features behind tensors that a `Decoder` cannot have. */
const meanings: readonly (readonly [name: RegExp, meaning: string])[] = [
  [/^rope_factors_(?:long|short)\./, 'RoPE with other factors in long contexts'],
  [/_(?:gate_inp|exps|shexp)\./, 'a mixture of experts'],
  [/\.ssm_/, 'a state-space layer'],
  [/\.attn_(?:q|k)_norm\./, 'norms of queries and keys'],
];

/** Hugging Face's name of a tensor; ggml's if there is none. */
function nameIn(ggml: string, row: Architecture): string {
  return huggingFaceName(tensorName(ggml), row) ?? ggml;
}

/** What decides which tensors are refused. */
interface Reading {
  readonly decoder: Decoder;
  readonly row: Architecture;
  readonly keys: Keys;
  readonly ignore: readonly string[];
}

/**
 * Refuses tensors that the decoder does not have and that are not ignored: they may change what the
 * model computes. Patterns are of Hugging Face's names, as in `openGgufWeights`.
 */
function refuseTensors({ tensors }: GgufFile, { decoder, row, keys, ignore }: Reading): void {
  const known = tensorsOf(decoder);
  const needed = [...known].map((name) => nameIn(name, row));
  const names = [...tensors.keys()].filter((name) => name !== ropeFactors);
  const ignored = ignoredNames(ignore, {
    spec: keys.file,
    names: names.map((name) => nameIn(name, row)),
    isNeeded: (name) => needed.includes(name),
  });
  for (const ggml of names) {
    const name = nameIn(ggml, row);
    if (known.has(ggml) || ignored.has(name)) continue;
    const meaning = meanings.find(([pattern]) => pattern.test(ggml))?.[1];
    if (meaning !== undefined) {
      const remedy = 'a checkpoint without it, or the graph written by hand';
      throw keys.refuse(`it has the tensor ${shown(ggml)}, which means ${meaning}`, remedy);
    }
    const options = ignoring([name], needed);
    const remedy = `a checkpoint without it, the graph written by hand, or ${options} if the model does not need it`;
    throw keys.refuse(`it has the tensor ${shown(ggml)}`, remedy);
  }
}
