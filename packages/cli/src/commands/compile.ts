/** `lamella compile`: compiles a graph file to a package, or prints one stage as text. */
import { join } from 'node:path';
import { type Stage, stages } from '@lamella/compiler/stages';
import { warnings } from '@lamella/graph/warnings';
import { bytes, count } from '@lamella/report/units';
import { anyOf, type FormatName, type KvName, type Target } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { compile as compileModel, emit } from '../api/compile.ts';
import { loadGraph } from '../model/load-graph.ts';
import { downloadBytes } from '../package/download-size.ts';
import { npmName, npmVersion } from '../package/npm-rules.ts';
import { asCalled } from '../terminal/called.ts';
import { choice, laterOption, path } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { context, ignore, kv, quant, targetList } from '../terminal/shared-options.ts';
import { shellWord } from '../terminal/shell.ts';
import { warn } from '../terminal/warn.ts';

export interface CompileCommand {
  readonly weights?: string;
  readonly ignore?: readonly string[];
  readonly quant?: FormatName;
  readonly kv?: KvName;
  readonly context?: number;
  readonly out?: string;
  readonly name?: string;
  readonly packageVersion?: string;
  readonly force?: true;
  readonly target?: readonly Target[];
  readonly emit?: Stage;
}

export function define(command: Command): void {
  command
    .addOption(targetList('wasm, or wasm,webgpu to run on GPUs as well'))
    .option(
      '--weights <SOURCE>',
      'a checkpoint folder, a .safetensors or .gguf file, or random:SEED; without it, no weights',
    )
    .addOption(ignore())
    .addOption(quant())
    .addOption(kv())
    .addOption(context("the graph's t"))
    .addOption(
      new Option('--profile <NAME|FILE>')
        .hideHelp()
        .argParser(laterOption('--profile', 'leaving it out: one plan serves every device')),
    )
    .option('--out <DIR>', 'the folder of the package (default: out/NAME)', path('--out'))
    .option('--name <PKG>', "the package's name for npm (default: the model's name)", npmName('--name'))
    .option(
      '--package-version <V>',
      "the package's version (default: derived from its contents)",
      npmVersion('--package-version'),
    )
    .option('--force', 'without --weights: replace even a package that has weights')
    .addOption(
      new Option('--emit <STAGE>', `print ${anyOf(stages)}; a package is written only with --out`).argParser(
        choice('--emit', stages),
      ),
    )
    .action(compile);
}

/** With `emit` the stage goes to stdout, and a package is written only if `out` is given. */
export async function compile(file: string, options: CompileCommand): Promise<void> {
  // esbuild reads the graph in its own process, so the compiler is loaded meanwhile.
  const [graph] = await Promise.all([loadGraph(file), import('@lamella/compiler/pipeline')]);
  const { emit: stage, out = join('out', graph.name), force, name, packageVersion, ...choices } = options;
  if (stage) process.stdout.write(terminated(await emit(graph, stage, choices)));
  if (stage && options.out === undefined) return warn(warnings(graph));
  const { finish, ...observed } = observer();
  const writing = { ...choices, ...observed, out, force, name, packageVersion };
  const { manifest } = await compileModel(graph, writing).finally(finish);
  warn(warnings(graph));
  const { report, memory, quant, context, weights, tokenizer } = manifest;
  const lines = [
    `${out}: ${count(report.parameters)} parameters as ${quant}, context ${count(context)}`,
    `  weights ${bytes(report.weightBytes)}, memory ${bytes(memory.plannedBytes)}, kernels ${bytes(report.wasm.wasmBytes)}`,
    `  besides weights, a browser loads ${bytes(await downloadBytes(out, manifest))} of scripts, kernels and other files, compressed`,
    weights ? '' : '  no weights were packed: compile with --weights DIR, FILE or random:SEED to run it',
    weights ? `next: ${asCalled()} run ${shellWord(out)} ${tokenizer ? '--prompt TEXT' : '--tokens 1,2,3'}` : '',
  ];
  process.stderr.write(lines.filter(Boolean).join('\n').concat('\n'));
}

function terminated(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
