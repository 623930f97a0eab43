/** One line about a model: in its package.json, its README and its types. */
import { count } from '@lamella/report/units';
import type { Manifest } from '@lamella/runtime/manifest';

/** Parameters, format, sharing, vocabulary, context. */
export function summary({ vocab, context, quant, report }: Manifest): string {
  const runs = `${report.executions} block executions over ${report.weightSets} weight sets`;
  return `${count(report.parameters)} parameters as ${quant}, ${runs}; vocabulary ${vocab}, context ${context} tokens`;
}
