/**
 * `lamella check`: runs the author's file and tests whether the compiler accepts the graph. Nothing
 * is written.
 */
import { parameterCount, weightSetCount } from '@lamella/graph/ir';
import { count } from '@lamella/report/units';
import type { FormatName, KvName, Target } from '@lamella/runtime/choices';
import type { Command } from 'commander';
import { check as checkModel } from '../api/check.ts';
import { loadGraph } from '../model/load-graph.ts';
import { context, kv, quant, targetList } from '../terminal/shared-options.ts';
import { warn } from '../terminal/warn.ts';

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
  const [graph] = await Promise.all([loadGraph(file), import('@lamella/compiler/check')]);
  const { errors, warnings } = await checkModel(graph, options);
  if (errors[0]) throw errors[0];
  warn(warnings);
  const executions = graph.stacks.reduce((sum, stack) => sum + stack.executions.length, 0);
  const sets = weightSetCount(graph);
  process.stdout.write(
    `${graph.name} is well formed: ${count(parameterCount(graph))} parameters, ${sets} weight sets, ${executions} executions\n`,
  );
}
