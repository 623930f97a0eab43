/** `lamella import`: from a checkpoint's `config.json`, or a GGUF file's metadata, to a graph file that can be read and changed. */
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
 * Writes `out`. Throws what `readModel` throws when the config cannot be read or said, L301 when `out` cannot be written or is there already: a graph
 * file is edited.
 */
export async function importConfig(folder: string, { out }: { readonly out: string }): Promise<void> {
  const { name, source } = await importModel(folder);
  await writeText(out, source);
  process.stdout.write(
    `${out} is ${name}. Next:\n  ${asCalled()} compile ${shellWord(out)} --weights ${shellWord(folder)}\n`,
  );
}
