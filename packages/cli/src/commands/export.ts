/** `lamella export --to pytorch`: the graph as Python files that need nothing but torch. */
import { join } from 'node:path';
import { exportPyTorch } from '@lamella/pytorch/export';
import { writeText } from '../files.ts';
import { loadGraph } from '../load-graph.ts';

/** Writes the files into the folder `out`, over earlier ones of the same names and beside whatever else is there. Throws L301. */
export async function exportGraph(file: string, { out }: { readonly out: string }): Promise<void> {
  const files = Object.entries(exportPyTorch(await loadGraph(file)));
  for (const [name, text] of files) await writeText(join(out, name), text, 'replace');
  process.stdout.write(`${out}: ${files.map(([name]) => name).join(', ')}\n`);
}
