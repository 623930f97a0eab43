/** The graph of a hub folder, without a graph file: what `lamella import` would write is run as it is. */
import { join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { graphOf } from './load-graph.ts';

/**
 * The graph that `lamella import` would write, and its text. What is wrong with it is told of the folder's config: nobody has seen that text.
 */
export async function importedGraph(folder: string): Promise<{ readonly graph: Graph; readonly source: string }> {
  // ts-morph takes its time
  const { importHuggingFace } = await import('@lamella/checkpoint/huggingface/import-config');
  const { source } = importHuggingFace(folder);
  return { source, graph: await ofConfig(folder, () => graphOf(source, join(folder, 'config.json'))) };
}

/** Does `work` with a graph made from the config in `folder`: its diagnostics name that file, and no line of the text in between. */
export async function ofConfig<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof LamellaError && error.site ? error.movedTo(join(folder, 'config.json')) : error;
  }
}
