/**
 * Facts about our packages that need no run: planned memory, size of the download, and the code of
 * their kernels.
 */
import { join } from 'node:path';
import { downloadBytes } from 'lamella/download-size';
import { titleOf } from './line-up.ts';
import { codeHash } from './loading.ts';
import { type Built, modelsFolder } from './models.ts';
import type { PackageFacts } from './results.ts';

/** Throws unless base, LS and 60 different blocks have the same code. */
export async function packageFacts(built: ReadonlyMap<string, Built>): Promise<PackageFacts[]> {
  const facts: PackageFacts[] = [];
  for (const [contender, each] of built) {
    const { report, memory } = each.manifest;
    facts.push({
      contender,
      plannedBytes: memory.plannedBytes,
      weightBytes: report.weightBytes,
      slowMemoryBytesPerToken: report.slowMemoryBytesPerToken,
      shippedBytes: await downloadBytes(join(modelsFolder, each.folder), each.manifest),
      code: codeHash(each),
    });
  }
  for (const quant of ['q4', 'q8'] as const) {
    const titles = (['125m', '125m-ls', '125m-60'] as const).map((model) => titleOf({ model, quant, kv: 'f32' }));
    const codes = facts.filter(({ contender }) => titles.includes(contender)).map(({ code }) => code);
    if (new Set(codes).size !== 1) throw new Error(`base, LS and 60 different blocks at ${quant} differ in their code`);
  }
  return facts;
}
