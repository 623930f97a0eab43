/**
 * Writes a graph and its weights as a GGUF file for llama.cpp, so that a variant can be tried, and
 * checked, in an independent runtime.
 *
 * Three things differ in llama.cpp. It has no layer sharing: each execution gets its own copy of
 * the block. In some architectures RoPE pairs adjacent features (2i, 2i + 1): the rows of W_q and
 * W_k are reordered accordingly, which keeps every q.k unchanged. And a tied head is expressed by
 * omitting the head.
 */
import { ALIGNMENT, MAGIC } from '@lamella/checkpoint/gguf/format';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import { LamellaError } from '@lamella/graph/diagnostics';
import { elementCount, type Graph } from '@lamella/graph/ir';
import { write } from './architecture.ts';
import { layOut, type Metadata } from './container.ts';
import { readModel } from './model.ts';
import { fits, type GgufType, tensorTypes } from './tensor-types.ts';
import { ordered, type Tensor } from './tensors.ts';
import { type TokenizerJson, vocabularyOf } from './vocabulary.ts';

export interface GgufOptions {
  /**
   * The type of matrices and tables; gains and biases are F32. With q8_0 and q4_0, a matrix whose
   * rows are not whole blocks of 32 is F16.
   */
  readonly type: GgufType;
  /**
   * The model's tokenizer. Without one, or with one that llama.cpp cannot express, the vocabulary
   * is made up.
   */
  readonly tokenizer?: TokenizerJson;
}

/** A planned file, before it is written. */
export interface GgufPlan {
  /** Size of the file. */
  readonly bytes: number;
  /** llama.cpp's name for it, such as `llama`. */
  readonly architecture: string;
  /** One per execution. */
  readonly layers: number;
  /** Null if the tokens come from the tokenizer; otherwise the reason why they are made up. */
  readonly madeUpVocabulary: string | null;
  /**
   * One sentence about each thing of the tokenizer that GGUF cannot express, and about matrices
   * that are not of the type asked for.
   */
  readonly notes: readonly string[];
  /**
   * Passes the file to `write`, from first byte to last, one tensor at a time: only that tensor is
   * held, in f32 and as stored. Throws L306 for values outside the type's range, and what `source`
   * and `write` throw.
   */
  readonly run: (source: WeightSource, write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;
}

/** The numbers of `general.file_type` in GGUF. */
const fileType: Readonly<Record<GgufType, number>> = { f32: 0, f16: 1, q4_0: 2, q8_0: 7 };

/** Whether a file that begins with this text is GGUF, from any writer. */
export function isGguf(beginning: string): boolean {
  return beginning.startsWith(MAGIC);
}

/**
 * Plans the file of a verified graph. Throws L306 if llama.cpp cannot run the graph, L207 for an
 * unusable tokenizer.
 */
export function planGguf(graph: Graph, options: GgufOptions): GgufPlan {
  const model = readModel(graph);
  const { architecture, metadata, tensors } = write(graph, model, tensorTypes[options.type]);
  const vocabulary = vocabularyOf(options.tokenizer ?? null, graph.vocab);
  const name = vocabulary.madeUp === null ? graph.name : loadableName(graph.name);
  const general = generalMetadata(name, architecture, options.type);
  const layout = layOut({ ...general, ...metadata, ...vocabulary.metadata }, tensors);
  return {
    bytes: layout.bytes,
    architecture,
    layers: model.layers.length,
    madeUpVocabulary: vocabulary.madeUp,
    notes: [...vocabulary.notes, ...storedAsF16(tensors, options.type)],
    async run(source, put) {
      await put(layout.header);
      for (const [i, tensor] of tensors.entries()) {
        const { bytes, padding } = layout.tensors[i]!;
        const encoded = await encode(graph, tensor, source);
        if (encoded.length !== bytes) throw new Error(`${tensor.name}: ${encoded.length} bytes, planned ${bytes}`);
        await put(encoded);
        if (padding > 0) await put(new Uint8Array(padding));
      }
    },
  };
}

/** A sentence about the matrices that are F16 in a file of another type, if there are any. */
function storedAsF16(tensors: readonly Tensor[], type: GgufType): readonly string[] {
  const halves = type === 'f16' ? [] : tensors.filter((tensor) => tensor.type === tensorTypes.f16);
  const [first, ...more] = halves.map(({ name }) => name);
  if (first === undefined) return [];
  const which = more.length === 0 ? `${first} is` : `${first} and ${more.length} more are`;
  const { blockValues } = tensorTypes[type];
  return [
    `${which} stored as F16, because ${type} needs rows of whole blocks of ${blockValues}: the file is larger, and these weights are more exact`,
  ];
}

/** Writes the graph with the weights of `source` as GGUF: `planGguf`, then its `run`. */
export async function exportGguf(
  graph: Graph,
  source: WeightSource,
  options: GgufOptions,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<GgufPlan> {
  const plan = planGguf(graph, options);
  await plan.run(source, write);
  return plan;
}

async function encode(graph: Graph, tensor: Tensor, source: WeightSource): Promise<Uint8Array> {
  const { from, type, shape } = tensor;
  if (from instanceof Float32Array) return type.encode(from);
  const values = new Float32Array(elementCount(shape));
  let at = 0;
  for (const part of from) {
    const weight = graph.weights[part.weight]!;
    const read = await source.read(weight);
    if (!fits(read, type)) {
      const reason = `it has values that are not below ${type.limit} in magnitude`;
      const { name: place, site } = weight;
      throw new LamellaError('L306', { what: 'a tensor', reason, remedy: 'type f32' }, { place, site });
    }
    values.set(part.order ? ordered(read, weight.shape, part.order) : read, at);
    at += read.length;
  }
  return type.encode(values);
}

/**
 * In a file whose name contains phi3 or phi-3, llama.cpp expects tokens of Phi-3's vocabulary and
 * does not load a made-up one.
 */
function loadableName(name: string): string {
  return name.replaceAll(/phi-?3/gi, 'phi_3');
}

function generalMetadata(name: string, architecture: string, type: GgufType): Metadata {
  const u32 = (value: number) => ({ type: 'u32', value }) as const;
  const string = (value: string) => ({ type: 'string', value }) as const;
  return {
    'general.architecture': string(architecture),
    'general.name': string(name),
    'general.alignment': u32(ALIGNMENT),
    'general.file_type': u32(fileType[type]),
    'general.quantization_version': u32(2),
  };
}
