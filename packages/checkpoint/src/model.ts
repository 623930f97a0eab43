/** What a checkpoint says its model is, whichever kind of checkpoint it is: a folder as Hugging Face has it, or a GGUF file. */
import path from 'node:path';
import type { Decoder } from './decoder/decoder.ts';
import { modelName } from './decoder/model-name.ts';
import { writeGraph } from './decoder/write-graph.ts';
import { isGguf, readGgufDecoder } from './gguf/model.ts';
import { readDecoder } from './huggingface/families.ts';
import { type ImportedGraph, importHuggingFace } from './huggingface/import-config.ts';

/**
 * The model of a checkpoint. Throws L302 where it cannot be read, L206 with key and value for what cannot be imported, and for a GGUF file what
 * opening it throws (L203, L204, L220).
 */
export async function readModel(checkpoint: string): Promise<Decoder> {
  return isGguf(checkpoint) ? readGgufDecoder(checkpoint) : readDecoder(checkpoint);
}

/** The graph of a checkpoint as a DSL file. Throws what `readModel` throws. */
export async function importModel(checkpoint: string): Promise<ImportedGraph> {
  if (!isGguf(checkpoint)) return importHuggingFace(checkpoint);
  const name = modelName(checkpoint);
  return { name, source: writeGraph({ name, source: path.basename(checkpoint) }, await readGgufDecoder(checkpoint)) };
}
