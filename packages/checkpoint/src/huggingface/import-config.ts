/** `lamella import` for a Hugging Face folder: its `config.json` becomes a graph file. */
import path from 'node:path';
import { modelName } from '../decoder/model-name.ts';
import { writeGraph } from '../decoder/write-graph.ts';
import { readDecoder } from './families.ts';

/** A graph file that has not been written yet. */
export interface ImportedGraph {
  /** The model's name, after its folder: letters, digits, dots and dashes. */
  readonly name: string;
  /** TypeScript. Weight names are those of the checkpoint. */
  readonly source: string;
}

/** The graph of the Hugging Face checkpoint in `dir`. Throws L302 and L206: see `readDecoder`. */
export function importHuggingFace(dir: string): ImportedGraph {
  const name = modelName(dir);
  const source = `${path.basename(path.resolve(dir))}/config.json`;
  return { name, source: writeGraph({ name, source }, readDecoder(dir)) };
}
