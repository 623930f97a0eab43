/** `check`: whether the compiler accepts a model, with its diagnostics as values. */
import type { Graph } from '@lamella/graph/ir';
import type { Target } from '@lamella/runtime/choices';
import { uncompiled, withGraph } from './graph.ts';
import { LamellaError, wordedForApi } from './lamella-error.ts';
import type { AnyModel } from './model.ts';
import { type CompileChoices, choosing, listed, readOptions } from './options.ts';

export interface CheckOptions extends CompileChoices {
  /** The targets to compile for. Default: `wasm`, which every package has. */
  readonly target?: Target | readonly Target[] | undefined;
}

export interface Checked {
  /** The graph; null if it cannot be made. */
  readonly graph: Graph | null;
  /** Why `compile` refuses the model with these options; empty if it accepts it. */
  readonly errors: readonly LamellaError[];
  /** Probable mistakes, such as a value that is never used. */
  readonly warnings: readonly LamellaError[];
}

/**
 * Checks whether `compile` accepts a model with the same options. Nothing is written. An error of
 * the model or of the options is in `errors`, with the author's line in `site`; it is not thrown.
 *
 * @example
 * const { errors } = await check('graphs/mine.ts');
 * for (const { message, site } of errors) console.log(message, site?.line);
 */
export async function check(model: AnyModel, given: CheckOptions = {}): Promise<Checked> {
  let graph: Graph | null = null;
  try {
    const options = readOptions(given, [...choosing, 'target']);
    // esbuild reads a graph file in its own process, so the passes are loaded meanwhile.
    const [found, { check: checkGraph }, { warnings }] = await Promise.all([
      uncompiled(model, options, options.target && listed(options.target)),
      import('@lamella/compiler/check'),
      import('@lamella/graph/warnings'),
    ]);
    graph = found.graph;
    await withGraph(found, () => checkGraph(found.graph, found.options));
    return { graph, errors: [], warnings: warnings(graph).map((warning) => new LamellaError(warning)) };
  } catch (cause) {
    const error = wordedForApi(cause);
    if (!(error instanceof LamellaError)) throw error;
    return { graph, errors: [error], warnings: [] };
  }
}
