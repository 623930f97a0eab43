/**
 * Reads the model description of a checkpoint, from either kind: a Hugging Face folder or a GGUF
 * file.
 */
import path from 'node:path';
import type { Decoder } from './decoder/decoder.ts';
import { modelName } from './decoder/model-name.ts';
import { writeGraph } from './decoder/write-graph.ts';
import { isGguf } from './gguf/format.ts';
import { readGgufDecoder } from './gguf/model.ts';
import { readDecoder } from './huggingface/families.ts';
import { type ImportedGraph, importHuggingFace } from './huggingface/import-config.ts';

/**
 * The model of a checkpoint; `ignore` has patterns of superfluous tensors in a GGUF file. Throws L302 if the checkpoint cannot be read, L206 with key and value
 * for a model that cannot be imported, L305 for a pattern in `ignore` that does not fit, and L203,
 * L204 or L220 if a GGUF file cannot be opened.
 */
export async function readModel(checkpoint: string, ignore: readonly string[] = []): Promise<Decoder> {
  return isGguf(checkpoint) ? readGgufDecoder(checkpoint, ignore) : readDecoder(checkpoint);
}

/** The graph of a checkpoint as a DSL file. Throws the same errors as `readModel`. */
export async function importModel(checkpoint: string, ignore: readonly string[] = []): Promise<ImportedGraph> {
  if (!isGguf(checkpoint)) return importHuggingFace(checkpoint);
  const name = modelName(checkpoint);
  const decoder = await readGgufDecoder(checkpoint, ignore);
  return { name, source: writeGraph({ name, source: path.basename(checkpoint) }, decoder) };
}
