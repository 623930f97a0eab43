/**
 * `lamella check`: runs the author's file and tests whether the compiler accepts the graph. Nothing
 * is written.
 */
import { parameterCount, weightSetCount } from '@lamella/graph/ir';
import { count } from '@lamella/report/units';
import { type FormatName, type KvName, type Target, usual } from '@lamella/runtime/choices';
import type { Command } from 'commander';
import { loadGraph } from '../model/load-graph.ts';
import { context, fitContext, kv, quant, targetList } from '../terminal/shared-options.ts';

export interface CheckCommand {
  readonly target?: readonly Target[];
  readonly quant?: FormatName;
  readonly kv?: KvName;
  readonly context?: number;
}

export function define(command: Command): void {
  command
    .addOption(targetList('wasm, or wasm,webgpu to ask for GPUs as well'))
    .addOption(quant())
    .addOption(kv())
    .addOption(context("the graph's t"))
    .action(check);
}

/** Throws the errors about the graph that `lamella compile` would throw with the same options. */
export async function check(file: string, options: CheckCommand): Promise<void> {
  // esbuild reads the file in its own process, so the passes are loaded meanwhile.
  const [graph, { check: checkGraph }, { warn }] = await Promise.all([
    loadGraph(file),
    import('@lamella/compiler/check'),
    import('../terminal/warn.ts'),
  ]);
  const { target: targets = [usual.target], quant = usual.format, kv = usual.kv, context } = options;
  fitContext(context, graph);
  await checkGraph(graph, { quant, kv, targets, ...(context === undefined ? {} : { context }) });
  warn(graph);
  const executions = graph.stacks.reduce((sum, stack) => sum + stack.executions.length, 0);
  const sets = weightSetCount(graph);
  process.stdout.write(
    `${graph.name} is well formed: ${count(parameterCount(graph))} parameters, ${sets} weight sets, ${executions} executions\n`,
  );
}
