/**
 * Opens the weights that `--weights` names: a folder as Hugging Face publishes it, a
 * `.safetensors`, `.bin` or `.gguf` file, or `random:SEED`. A source is returned only after names,
 * shapes and dtypes have been checked against the graph.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { checkpointTensors, elementCount, type Graph } from '@lamella/graph/ir';
import { requireFinite } from './finite.ts';
import { duplicatedEmbedding, findMisfit, headName, untiedHead } from './fit.ts';
import { isGguf } from './gguf/format.ts';
import { openGgufWeights } from './gguf/model.ts';
import { ignoredNames } from './ignored.ts';
import { randomWeights } from './random.ts';
import { openSafetensors } from './safetensors.ts';
import { openShards, shardFiles } from './shards.ts';
import { readWeight } from './stored.ts';
import type { Checkpoint } from './tensor-file.ts';
import { openTorchBin } from './torch-bin.ts';
import type { WeightSource } from './weight-source.ts';

/** Elements compared at a time. */
const chunk = 1 << 20;

/**
 * Opens the weights that `spec` names for `graph`. Tensors that match a pattern in `ignore` (`*`
 * stands for any characters) may be superfluous. The caller closes the source. Throws L201 (does
 * not fit), L202, L203, L209, L210 or L220 (damaged), L204 or L302 (no readable checkpoint), L205
 * (unsupported dtype), L206 (a GGUF file of an unsupported architecture), L208 (not a seed), L305
 * (a pattern that matches nothing, or a tensor of the graph).
 */
export async function openWeights(spec: string, graph: Graph, ignore: readonly string[] = []): Promise<WeightSource> {
  const needed = new Set(checkpointTensors(graph).map(({ name }) => name));
  const ignoredOf = (names: readonly string[]) =>
    ignoredNames(ignore, { spec, names, isNeeded: (name) => needed.has(name) });
  const random = /^random:(.*)$/s.exec(spec);
  if (random) {
    ignoredOf([...needed]);
    return randomWeights(seedOf(random[1] ?? ''));
  }
  const checkpoint = withoutWrappers(await openCheckpoint(spec, graph), graph);
  try {
    const ignored = ignoredOf([...checkpoint.tensors.keys()]);
    const misfit =
      findMisfit(graph, checkpoint.tensors, ignored) ??
      (ignored.has(headName) ? null : await findUntiedHead(graph, checkpoint));
    if (misfit) throw new LamellaError('L201', { ...misfit }, { place: spec });
    for (const name of needed) checkpoint.requireReadable(name);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
  return {
    async read(weight) {
      const values = await readWeight(weight, (name, from, into) => checkpoint.read(name, from, into));
      requireFinite(values, weight, spec);
      return values;
    },
    close: () => checkpoint.close(),
  };
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d{1,10}$/.test(text) || seed > 0xffff_ffff) throw new LamellaError('L208', { seed: text });
  return seed;
}

/** The files that a folder may hold, in order of preference: whole files and indexes of shards. */
const published = [
  { file: 'model.safetensors', isIndex: false, open: openSafetensors },
  { file: 'model.safetensors.index.json', isIndex: true, open: openSafetensors },
  { file: 'pytorch_model.bin', isIndex: false, open: openTorchBin },
  { file: 'pytorch_model.bin.index.json', isIndex: true, open: openTorchBin },
] as const;

/** Opens a folder or file without checking that it fits the graph. */
async function openCheckpoint(spec: string, graph: Graph): Promise<Checkpoint> {
  const isFolder = await stat(spec).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isGguf(spec) && !isFolder) return openGgufWeights(spec, graph);
  if (!isFolder) return /\.(bin|pth?)$/.test(spec) ? openTorchBin(spec) : openSafetensors(spec);
  const { file, isIndex, open } = await findPublished(spec);
  const at = path.join(spec, file);
  return isIndex ? openShards(at, open) : open(at);
}

/** The prefixes that parallel training and torch.compile add to the name of every weight. */
const wrapper = /^(?:module|_orig_mod)\./;

/**
 * The checkpoint with these prefixes removed from its names, if all names have one and no tensor of
 * `graph` has a name of the checkpoint.
 */
function withoutWrappers(checkpoint: Checkpoint, graph: Graph): Checkpoint {
  const names = [...checkpoint.tensors.keys()];
  if (names.length === 0 || !names.every((name) => wrapper.test(name))) return checkpoint;
  if (checkpointTensors(graph).some(({ name }) => checkpoint.tensors.has(name))) return checkpoint;
  const wrapped = new Map(names.map((name) => [name.replace(wrapper, ''), name]));
  const nameOf = (name: string) => wrapped.get(name) ?? name;
  const plain: Checkpoint = {
    tensors: new Map(
      [...wrapped].map(([name, before]) => [name, { ...checkpoint.tensors.get(before)!, name }] as const),
    ),
    requireReadable: (name) => checkpoint.requireReadable(nameOf(name)),
    read: (name, from, into) => checkpoint.read(nameOf(name), from, into),
    close: () => checkpoint.close(),
  };
  return withoutWrappers(plain, graph);
}

/**
 * The files that `openWeights` reads for a checkpoint, which is a folder or a `.gguf` file. Throws
 * L204 or L302 if there are none, L210 for a bad index.
 */
export async function weightFiles(checkpoint: string): Promise<readonly string[]> {
  if (isGguf(checkpoint)) return [checkpoint];
  const { file, isIndex } = await findPublished(checkpoint);
  const files = isIndex ? [file, ...(await shardFiles(path.join(checkpoint, file)))] : [file];
  return files.map((name) => path.join(checkpoint, name));
}

async function findPublished(folder: string): Promise<(typeof published)[number]> {
  const files = await readdir(folder).catch((error: Error) => {
    throw new LamellaError('L302', { path: folder, reason: error.message, remedy: 'a folder that may be read' });
  });
  const first = published.find(({ file }) => files.includes(file));
  if (first) return first;
  const found = files.filter((file) => /\.(safetensors|bin|gguf|pth?)$/.test(file)).slice(0, 4);
  throw new LamellaError('L204', {
    path: folder,
    reason: `it has neither model.safetensors nor pytorch_model.bin, nor an index of either${found.length > 0 ? `, only ${found.join(', ')}` : ''}`,
  });
}

/**
 * The misfit of a tied model whose stored head differs from its embedding; null if they are equal.
 */
async function findUntiedHead(graph: Graph, checkpoint: Checkpoint) {
  const embedding = duplicatedEmbedding(graph, checkpoint.tensors);
  if (!embedding) return null;
  const count = elementCount(embedding.shape);
  for (let from = 0; from < count; from += chunk) {
    const embedded = new Float32Array(Math.min(chunk, count - from));
    const head = new Float32Array(embedded.length);
    await Promise.all([checkpoint.read(embedding.name, from, embedded), checkpoint.read(headName, from, head)]);
    const index = embedded.findIndex((value, i) => !Object.is(value, head[i]));
    if (index >= 0) return untiedHead(embedding, from + index, embedded[index]!, head[index]!);
  }
  return null;
}
