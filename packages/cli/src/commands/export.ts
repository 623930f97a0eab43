/**
 * `lamella export`: writes the graph for another runtime. `--to pytorch` writes Python files that
 * need only torch, a training script among them; `--to gguf` writes graph and weights into one file
 * for llama.cpp.
 */
import { join } from 'node:path';
import { check } from '@lamella/compiler/check';
import { type GgufType, ggufTypes } from '@lamella/export/gguf/tensor-types';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { warnings } from '@lamella/graph/warnings';
import { bytes } from '@lamella/report/units';
import { anyOf, formatNames, usual } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { mayReplace, writePieces, writeText } from '../files.ts';
import { loadGraph, requireGraphFile } from '../model/load-graph.ts';
import { choice, path } from '../terminal/options.ts';
import { ignore } from '../terminal/shared-options.ts';
import { warn } from '../terminal/warn.ts';

const destinations = ['pytorch', 'gguf'] as const;

export interface ExportCommand {
  readonly to: (typeof destinations)[number];
  readonly out: string;
  readonly weights?: string;
  readonly ignore?: readonly string[];
  readonly type?: GgufType;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option('--to <WHAT>', anyOf(destinations)).argParser(choice('--to', destinations)).makeOptionMandatory(),
    )
    .option('--weights <SOURCE>', 'gguf: a checkpoint folder, a .safetensors or .gguf file, or random:SEED')
    .addOption(ignore())
    .addOption(
      new Option('--type <TYPE>', `gguf: ${anyOf(ggufTypes)} (default: f32)`).argParser(choice('--type', ggufTypes)),
    )
    .requiredOption('--out <PATH>', 'the folder (pytorch) or the file (gguf) to write', path('--out'))
    .action(exportGraph);
}

/**
 * Exports a graph that `lamella check` accepts with any --quant; GGUF has further limits. Throws
 * L305 for options that do not fit together, L306 for what GGUF cannot express, L301, the errors of
 * `check`, and the errors of reading the weights.
 */
export async function exportGraph(file: string, { to, out, weights, ignore, type }: ExportCommand): Promise<void> {
  await requireGraphFile(file);
  if (to === 'gguf') {
    if (weights !== undefined) return exportGguf(file, out, { weights, ignore: ignore ?? [], type: type ?? 'f32' });
    const reason = 'a GGUF file contains the weights, so this option is required';
    throw new LamellaError('L305', { option: '--weights', reason, remedy: '--weights DIR, FILE or random:SEED' });
  }
  const given = { '--weights': weights, '--ignore': ignore, '--type': type };
  const [option] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined) {
    const reason = 'a PyTorch module is written without weights';
    throw new LamellaError('L305', { option, reason, remedy: 'leaving it out, or --to gguf' });
  }
  await exportPyTorch(file, out);
}

/**
 * Writes the files into the folder `out`, over those of an earlier export. Other files in it stay.
 */
async function exportPyTorch(file: string, out: string): Promise<void> {
  const { exportPyTorch, isExported } = await import('@lamella/export/pytorch/export');
  const files = Object.entries(exportPyTorch(await checked(file)));
  // If one of them cannot be written, none is.
  for (const [name] of files) await mayReplace(join(out, name), isExported);
  for (const [name, text] of files) await writeText(join(out, name), text, isExported);
  process.stdout.write(`${out}: ${files.map(([name]) => name).join(', ')}\n`);
}

/**
 * The graph in `file`, if it compiles in at least one format: exported files have formats of their
 * own.
 */
async function checked(file: string): Promise<Graph> {
  const graph = await loadGraph(file);
  const failures: unknown[] = [];
  for (const quant of [usual.format, ...formatNames]) {
    try {
      await check(graph, { quant });
      warn(warnings(graph));
      return graph;
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

/** The content of a GGUF file besides the graph. */
interface GgufContent {
  readonly weights: string;
  readonly ignore: readonly string[];
  readonly type: GgufType;
}

async function exportGguf(file: string, out: string, { weights, ignore, type }: GgufContent): Promise<void> {
  const [{ isGguf, planGguf }, { openWeights }, { findTokenizer }, { progress }] = await Promise.all([
    import('@lamella/export/gguf/export'),
    import('@lamella/checkpoint/open'),
    import('../model/tokenizer-files.ts'),
    import('../terminal/progress.ts'),
  ]);
  const graph = await checked(file);
  const found = await findTokenizer(weights, graph.vocab);
  const tokenizer = found && {
    ...found.files,
    file: weights,
    json: found.tokenizer,
    config: found.config,
  };
  const plan = planGguf(graph, { type, ...(tokenizer ? { tokenizer } : {}) });
  const source = await openWeights(weights, graph, ignore);
  const writing = progress('writing');
  let written = 0;
  try {
    await writePieces(out, isGguf, (write) =>
      plan.run(source, async (piece) => {
        await write(piece);
        written += piece.length;
        writing.update(written, plan.bytes);
      }),
    );
  } finally {
    writing.finish();
    await source.close();
  }
  const vocabulary = plan.madeUpVocabulary === null ? '' : `; token texts are made up: ${plan.madeUpVocabulary}`;
  for (const note of plan.notes) process.stderr.write(`${note}\n`);
  process.stdout.write(`${out}: ${plan.layers} layers, ${type}, ${bytes(plan.bytes)}${vocabulary}\n`);
}
