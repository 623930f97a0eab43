/**
 * One run from start to end: writes the models, loads them in fresh browsers, then compares the
 * contenders, group by group.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { type Compared, compare } from './comparison.ts';
import { compileTimes } from './compile-times.ts';
import { comparisons, extents } from './extent.ts';
import { type Journal, newJournal, part } from './journal.ts';
import { llamaCppFolder } from './llama-cpp/binding.ts';
import { loadTimes } from './load-times.ts';
import { writeModelFiles } from './model-files.ts';
import { CONTEXT } from './models.ts';
import { packageFacts } from './package-facts.ts';
import { installPeers } from './peers.ts';
import type { Results } from './results.ts';

/**
 * Runs everything; `say` prints the progress. Failures of peers are part of the results; a package
 * of ours that computes wrongly ends the run with an error.
 */
export async function run(size: keyof typeof extents, say: Journal['say']): Promise<Results> {
  const extent = extents[size];
  const journal = newJournal(say);
  const peers = installPeers();
  const files = await part(journal, 'writing the models', () => writeModelFiles(extent.variants));
  const packages = await packageFacts(files.built);
  const compileMs = await part(journal, 'compiling', () => compileTimes(extent.loads));
  const loads = await part(journal, 'loading in fresh browsers', () => loadTimes(files, extent.loads, journal));
  const compared: Compared[] = [];
  for (const comparison of comparisons.filter(({ has }) => extent.variants.some(has)))
    compared.push(await compare(comparison, extent, files, journal));
  return {
    date: `${new Date().toISOString().slice(0, 16)}Z`,
    machine: { ...thisMachine(), instructions: compared[0]!.instructions },
    versions: { Node: process.versions.node, Chromium: compared[0]!.version, ...peers, ...nativeVersion() },
    context: CONTEXT,
    rounds: roundsOf(compared),
    series: compared.flatMap(({ series }) => series),
    stepwise: compared.flatMap(({ stepwise }) => stepwise),
    exactness: compared.flatMap(({ exactness }) => exactness),
    loads,
    packages,
    compileMs,
    failures: [...journal.failures, ...compared.flatMap(({ failures }) => failures)],
    parts: journal.parts,
  };
}

/** A round of the run consists of the same round of every comparison. */
function roundsOf(compared: readonly Compared[]): Results['rounds'] {
  return compared[0]!.rounds.map((_, i) => ({
    loadAverage: Math.max(...compared.map(({ rounds }) => rounds[i]!.loadAverage)),
    seconds: compared.reduce((sum, { rounds }) => sum + rounds[i]!.seconds, 0),
  }));
}

function thisMachine(): Omit<Results['machine'], 'instructions'> {
  return {
    cpu: os.cpus()[0]!.model.trim(),
    logicalCores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
  };
}

function nativeVersion(): Record<string, string> {
  if (llamaCppFolder === null) return {};
  const name = '@node-llama-cpp/linux-x64';
  const file = join(llamaCppFolder, '..', '..', 'package.json');
  return { [name]: (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version };
}
