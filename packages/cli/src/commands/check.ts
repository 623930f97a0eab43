/** `lamella check`: runs the author's file and the verifier, and says what is wrong; nothing is compiled. */
import { parameterCount } from '@lamella/graph/ir';
import { verify } from '@lamella/graph/verify';
import { count } from '@lamella/report/units';
import { loadGraph } from '../load-graph.ts';

export async function check(file: string): Promise<void> {
  const graph = await loadGraph(file);
  verify(graph);
  const executions = graph.stacks.reduce((sum, stack) => sum + stack.executions.length, 0);
  const sets = graph.stacks.reduce((sum, stack) => sum + stack.weightSets.length, 0);
  process.stdout.write(
    `${graph.name} is well formed: ${count(parameterCount(graph))} parameters, ${sets} weight sets, ${executions} executions\n`,
  );
}
