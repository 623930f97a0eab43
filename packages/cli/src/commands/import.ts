/**
 * `lamella import`: writes a readable graph file from a checkpoint's `config.json` or a GGUF file's
 * metadata.
 */
import { importModel } from '@lamella/checkpoint/model';
import type { Command } from 'commander';
import { writeText } from '../files.ts';
import { refuseIgnoring } from '../model/checkpoint.ts';
import { roundingNote } from '../model/stored-weights.ts';
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
  const note = await roundingNote(folder);
  if (note !== null) process.stdout.write(`${note}\n`);
}
