/**
 * `lamella import`: writes a readable graph file from a checkpoint's `config.json` or a GGUF file's
 * metadata.
 */
import { importModel } from '@lamella/checkpoint/model';
import type { Command } from 'commander';
import { writeText } from '../files.ts';
import { asCalled } from '../terminal/called.ts';
import { path } from '../terminal/options.ts';
import { shellWord } from '../terminal/shell.ts';

export function define(command: Command): void {
  command.requiredOption('--out <GRAPH.ts>', 'the file to write', path('--out')).action(importConfig);
}

/**
 * Writes `out`. Throws the errors of `readModel` if the config cannot be read or imported, L301 if
 * `out` cannot be written or exists: a graph file is the author's work.
 */
export async function importConfig(folder: string, { out }: { readonly out: string }): Promise<void> {
  const { name, source } = await importModel(folder);
  await writeText(out, source);
  process.stdout.write(
    `${out} is ${name}. Next:\n  ${asCalled()} compile ${shellWord(out)} --weights ${shellWord(folder)}\n`,
  );
}
