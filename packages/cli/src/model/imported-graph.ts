/** The graph of a checkpoint that says what its model is, without a graph file: what `lamella import` would write is run as it is. */
import { join } from 'node:path';
import { isGguf } from '@lamella/checkpoint/gguf/model';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { graphOf } from './load-graph.ts';

/** The graph that `lamella import` would write, and its text. What is wrong with it is told of the checkpoint: that text is no file. */
export async function importedGraph(checkpoint: string): Promise<{ readonly graph: Graph; readonly source: string }> {
  // ts-morph takes its time
  const { importModel } = await import('@lamella/checkpoint/model');
  const { source } = await importModel(checkpoint);
  return { source, graph: await ofConfig(checkpoint, () => graphOf(source, describedBy(checkpoint))) };
}

/** Does `work` with a graph made from a checkpoint: its diagnostics name the checkpoint's own file, and no line of the text in between. */
export async function ofConfig<T>(checkpoint: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof LamellaError && error.site ? error.movedTo(describedBy(checkpoint)) : error;
  }
}

/** The file that says what the model is. */
function describedBy(checkpoint: string): string {
  return isGguf(checkpoint) ? checkpoint : join(checkpoint, 'config.json');
}
