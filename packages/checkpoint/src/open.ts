/**
 * What `--weights` names: a folder as Hugging Face publishes it, a `.safetensors`, `.bin` or `.gguf` file, or `random:SEED`. A source is handed out only
 * once the checkpoint's names, shapes and dtypes are known to fit the graph.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { checkpointTensors, elementCount, type Graph } from '@lamella/graph/ir';
import { requireFinite } from './finite.ts';
import { duplicatedEmbedding, findMisfit, headName, untiedHead } from './fit.ts';
import { isGguf, openGgufWeights } from './gguf/model.ts';
import { randomWeights } from './random.ts';
import { openSafetensors } from './safetensors.ts';
import { openShards, shardFiles } from './shards.ts';
import { readWeight } from './stored.ts';
import type { Checkpoint } from './tensor-file.ts';
import { openTorchBin } from './torch-bin.ts';
import type { WeightSource } from './weight-source.ts';

/** Elements compared at once. */
const chunk = 1 << 20;

/**
 * Opens the weights that `spec` names for `graph`. Close the source when done. Throws L201 (does not fit), L202, L203, L209, L210 or L220 (damaged),
 * L204 or L302 (nothing there that can be read), L205 (a dtype that is not read), L206 (a GGUF file of an architecture that is not read), L208 (not a seed).
 */
export async function openWeights(spec: string, graph: Graph): Promise<WeightSource> {
  const random = /^random:(.*)$/s.exec(spec);
  if (random) return randomWeights(seedOf(random[1] ?? ''));
  const checkpoint = withoutWrappers(await openCheckpoint(spec, graph), graph);
  try {
    const misfit = findMisfit(graph, checkpoint.tensors) ?? (await findUntiedHead(graph, checkpoint));
    if (misfit) throw new LamellaError('L201', { ...misfit }, { place: spec });
    for (const { name } of checkpointTensors(graph)) checkpoint.requireReadable(name);
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

/** What a folder may hold, in the order in which one is preferred to another: a whole file, or an index of several. */
const published = [
  { file: 'model.safetensors', isIndex: false, open: openSafetensors },
  { file: 'model.safetensors.index.json', isIndex: true, open: openSafetensors },
  { file: 'pytorch_model.bin', isIndex: false, open: openTorchBin },
  { file: 'pytorch_model.bin.index.json', isIndex: true, open: openTorchBin },
] as const;

/** Opens a folder or file, whether or not it fits the graph. */
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

/** What training in parallel and compiling put before the name of every weight. */
const wrapper = /^(?:module|_orig_mod)\./;

/** The checkpoint under the names that its model's weights had before it was wrapped, if they all were and `graph` does not have them so. */
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
 * The files of a checkpoint, a folder or a `.gguf` file, that `openWeights` reads. Throws L204 or L302 when there are none, L210 for a bad index.
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

/** A tied model's stored head must be its embedding, value for value. */
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
