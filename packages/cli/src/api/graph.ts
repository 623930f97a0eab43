/**
 * The graph of a model that is not compiled yet, and the choices for compiling it. The compiler is
 * loaded on use: importing this module is cheap.
 */
import type { CompileOptions } from '@lamella/compiler/compilation';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { type Target, usual } from '@lamella/runtime/choices';
import { chosenFor } from '../model/checkpoint.ts';
import { type AnyModel, nameOf, type Recognised, recognise } from './model.ts';
import { type CompileChoices, listed, type WeightedChoices } from './options.ts';

/** A graph that can be compiled. */
export interface Uncompiled {
  readonly graph: Graph;
  readonly options: CompileOptions;
  /** The checkpoint that the graph was made from, which has its weights; null for other graphs. */
  readonly checkpoint: string | null;
  /** A sentence about the context, if it is shorter than the checkpoint's. */
  readonly note: string | null;
}

/**
 * Throws L305 for a compiled package, L303 for a context longer than the model's, the errors of
 * running a graph file (L1xx, L302) and of importing a checkpoint (L206, L220).
 */
export async function uncompiled(
  model: AnyModel,
  choices: CompileChoices & Pick<WeightedChoices, 'ignore'>,
  targets: readonly Target[] = [usual.target],
): Promise<Uncompiled> {
  const found = await recognise(model);
  if (found.kind === 'package' || found.kind === 'memory') {
    const reason = `${nameOf(model)} is compiled already`;
    throw new LamellaError('L305', { option: 'model', reason, remedy: 'the graph that it was compiled from' });
  }
  return fromSource(found, choices, targets);
}

/** Like `uncompiled`, for a model that is recognised. */
export async function fromSource(
  source: Exclude<Recognised, { readonly kind: 'package' | 'memory' }>,
  choices: CompileChoices & Pick<WeightedChoices, 'ignore'>,
  targets: readonly Target[],
): Promise<Uncompiled> {
  if (source.kind === 'checkpoint') {
    const { importedGraph } = await import('../model/imported-graph.ts');
    const { chosen, note } = await chosenFor(source.path, choices);
    const { graph } = await importedGraph(source.path, listed(choices.ignore ?? []));
    return { graph, options: { ...chosen, targets }, checkpoint: source.path, note };
  }
  const graph =
    source.kind === 'graph' ? source.graph : await (await import('../model/load-graph.ts')).loadGraph(source.path);
  const { quant = usual.format, kv = usual.kv, context } = choices;
  fitContext(context, graph);
  return {
    graph,
    options: { quant, kv, targets, ...(context === undefined ? {} : { context }) },
    checkpoint: null,
    note: null,
  };
}

/** Does `work` with the graph. Errors about a checkpoint's graph name the checkpoint's own file. */
export async function withGraph<T>({ checkpoint }: Uncompiled, work: () => Promise<T>): Promise<T> {
  if (checkpoint === null) return work();
  return (await import('../model/imported-graph.ts')).ofConfig(checkpoint, work);
}

/** L305 for a graph that is to be run without the option `weights`. */
export function withoutWeights({ name }: Graph): LamellaError {
  const reason = `${name} is a graph, which has no weights`;
  return new LamellaError('L305', { option: '--weights', reason, remedy: 'random:1, or the path of a checkpoint' });
}

/** Throws L303 if `context` is longer than the graph's. */
function fitContext(context: number | undefined, { tokens }: Graph): void {
  if (context === undefined || context <= tokens.size) return;
  const remedy = `up to ${tokens.size}, the graph's ${tokens.name}`;
  throw new LamellaError('L303', { option: '--context', value: String(context), remedy });
}
