/**
 * The graph of a checkpoint that describes its model, without a graph file: runs the text that
 * `lamella import` would write.
 */
import { join } from 'node:path';
import { isGguf } from '@lamella/checkpoint/gguf/format';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { graphOf } from './load-graph.ts';

/**
 * The graph that `lamella import` would write, and its text. Its diagnostics name the checkpoint,
 * because that text is not in a file. `ignore` has patterns of superfluous tensors.
 */
export async function importedGraph(
  checkpoint: string,
  ignore: readonly string[] = [],
): Promise<{ readonly graph: Graph; readonly source: string }> {
  // Imported on use: loading ts-morph takes long.
  const { importModel } = await import('@lamella/checkpoint/model');
  const { source } = await importModel(checkpoint, ignore);
  return { source, graph: await ofConfig(checkpoint, () => graphOf(source, describedBy(checkpoint))) };
}

/**
 * Does `work` with a graph made from a checkpoint. Its diagnostics name the checkpoint's own file,
 * and no line of the generated text.
 */
export async function ofConfig<T>(checkpoint: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof LamellaError && error.site ? error.movedTo(describedBy(checkpoint)) : error;
  }
}

/** The file that describes the model. */
function describedBy(checkpoint: string): string {
  return isGguf(checkpoint) ? checkpoint : join(checkpoint, 'config.json');
}
