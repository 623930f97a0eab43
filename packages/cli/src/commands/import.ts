/**
 * `lamella import`: writes a readable graph file from a checkpoint's `config.json` or a GGUF file's
 * metadata.
 */
import { isGguf } from '@lamella/checkpoint/gguf/format';
import { quantisedTypes } from '@lamella/checkpoint/gguf/model';
import { importModel } from '@lamella/checkpoint/model';
import type { Command } from 'commander';
import { writeText } from '../files.ts';
import { refuseIgnoring } from '../model/checkpoint.ts';
import { asCalled } from '../terminal/called.ts';
import { path } from '../terminal/options.ts';
import { ignore } from '../terminal/shared-options.ts';
import { shellWord } from '../terminal/shell.ts';

export function define(command: Command): void {
  command
    .requiredOption('--out <GRAPH.ts>', 'the file to write', path('--out'))
    .addOption(ignore())
    .action(importConfig);
}

/**
 * Writes `out`. Throws the errors of `readModel` if the config cannot be read or imported, L301 if
 * `out` cannot be written or exists: a graph file is the author's work. L305 for `ignore` with a
 * folder, whose tensors are not read.
 */
export async function importConfig(
  folder: string,
  { out, ignore = [] }: { readonly out: string; readonly ignore?: readonly string[] },
): Promise<void> {
  if (ignore.length > 0) refuseIgnoring(folder, ignore);
  const { name, source } = await importModel(folder, ignore);
  await writeText(out, source);
  const given = [`--weights ${shellWord(folder)}`, ...ignore.map((each) => `--ignore ${shellWord(each)}`)];
  process.stdout.write(`${out} is ${name}. Next:
  ${asCalled()} compile ${shellWord(out)} ${given.join(' ')}
`);
  if (isGguf(folder)) process.stdout.write(lossOf(await quantisedTypes(folder)));
}

/** Says which formats change the values of a file with weights of these types. */
function lossOf(types: readonly string[]): string {
  if (types.length === 0) return '';
  const q4 = types.includes('Q4_0') ? ' q4 keeps matrices in Q4_0 exactly, too.' : '';
  return `Its weights are stored as ${types.join(', ')}. --quant f32 keeps their values exactly.${q4} Other formats round them again.\n`;
}
