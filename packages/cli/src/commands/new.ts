/** `lamella new`: writes a small layer-sharing model to start from. */
import nodePath, { type PlatformPath } from 'node:path';
import { modelNameFrom } from '@lamella/dsl/names';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Command } from 'commander';
import { writeText } from '../files.ts';
import { starterGraph } from '../starter.ts';
import { asCalled } from '../terminal/called.ts';
import { shellWord } from '../terminal/shell.ts';

export function define(command: Command): void {
  command.action(newGraph);
}

/**
 * Writes NAME.ts here, or in a folder below, as in graphs/NAME. Throws L303 for a name that is not
 * a model name, L301 if the file exists.
 */
export async function newGraph(name: string): Promise<void> {
  const { model, file } = graphFile(name);
  await writeText(file, starterGraph(model));
  const lamella = asCalled();
  const word = shellWord(file);
  process.stdout.write(
    [
      `${file} is a small model with shared layers. Next:`,
      `  ${lamella} check ${word}`,
      `  ${lamella} inspect ${word}`,
      `  ${lamella} compile ${word} --weights random:1`,
      `  ${lamella} run out/${model} --tokens 1,2,3`,
      '',
    ].join('\n'),
  );
}

/**
 * The model's name and its file. Both `/` and `\` separate folders on Windows. Throws L303.
 */
export function graphFile(
  name: string,
  { sep, isAbsolute }: PlatformPath = nodePath,
): { readonly model: string; readonly file: string } {
  const path = name.replace(/\.ts$/, '');
  const parts = path.split(sep === '\\' ? /[\\/]/ : '/');
  const [folders, last] = [parts.slice(0, -1), parts.at(-1)!];
  const isBelow = folders.every((folder) => folder !== '' && folder !== '..') && !isAbsolute(path);
  const better = isBelow ? [...folders, modelNameFrom(last)].join('/') : modelNameFrom(path);
  if (parts.join('/') === better) return { model: last, file: `${better}.ts` };
  const value = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
  throw new LamellaError('L303', { option: 'lamella new', value, remedy: `lamella new ${better}` });
}
