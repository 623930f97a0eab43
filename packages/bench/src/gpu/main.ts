/**
 * `npm run bench:gpu`: runs conformance on this machine's GPU, then measures decoding and prefill,
 * and compares them with the card's best speeds. It needs no network: models are made from random
 * weights. Results are written after every group of models, so a run that is cut short keeps its
 * results so far. `--quick` tries everything with a tiny model; `--models 125m,1b` measures only
 * those; `--out DIR` sets the folder for results.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { conservative, halves } from '@lamella/compiler/schedule/gpu/profile';
import { type Failure, reasonOf } from '../patience.ts';
import { findCard, measureBest } from './card.ts';
import { conformance } from './conformance.ts';
import { gpuDocument } from './document.ts';
import { type Extent, measureGroup } from './measure.ts';
import type { GpuResults, GpuSeries } from './results.ts';

/** The extent of a run. */
interface Size extends Extent {
  /** Conformance cases, as a pattern for their names. */
  readonly cases: string;
  /** Bytes of each buffer that is read, and seconds per measurement of the card. */
  readonly best: { readonly bytes: number; readonly seconds: number };
}

const full: Size = {
  groups: [['125m', '125m-ls', '125m-60'], ['350m'], ['1b']],
  rounds: 5,
  prefill: { promptTokens: 512, generatedTokens: 1 },
  decode: { promptTokens: 16, generatedTokens: 257 },
  cases: '',
  best: { bytes: 128 << 20, seconds: 0.2 },
};
const quick: Size = {
  groups: [['tiny']],
  rounds: 2,
  prefill: { promptTokens: 4, generatedTokens: 1 },
  decode: { promptTokens: 2, generatedTokens: 6 },
  cases: 'f32: plain|q4: immediate',
  best: { bytes: 16 << 20, seconds: 0.05 },
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    models: { type: 'string' },
    out: { type: 'string' },
  },
});
const size = values.quick ? quick : full;
const known = size.groups.flat();
const wanted = values.models?.split(',') ?? known;
const stranger = wanted.find((model) => !known.some((name) => name === model));
if (stranger !== undefined) throw new Error(`--models ${stranger}: the models are ${known.join(', ')}`);
const groups = size.groups
  .map((group) => group.filter((model) => wanted.includes(model)))
  .filter(({ length }) => length > 0);
const folder = fileURLToPath(
  new URL(values.quick ? '../../../../out/bench-gpu/' : '../../results/gpu/', import.meta.url),
);
const out = values.out ?? folder;
await mkdir(out, { recursive: true });

const say = (line: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${line}\n`);

const card = await findCard().catch((cause: unknown) => {
  process.stderr.write(
    `${reasonOf(cause)}. Dawn needs Vulkan's loader (libvulkan1 in Debian) and the card's driver; VK_DRIVER_FILES can name the driver's .json file.\n`,
  );
  process.exit(1);
});
say(
  `${card.name}${card.halves ? ', with shader-f16' : ''}${card.software ? ': a driver for the CPU, whose times mean nothing' : ''}`,
);
const tested = await conformance(size.cases);
say(`conformance: ${tested.passed} passed, ${tested.failed} failed`);
const best = await measureBest(size.best.bytes, size.best.seconds);
const profiles = [...(card.halves ? [halves] : []), conservative].map(({ name }) => name);
const failures: Failure[] = [];
const series: GpuSeries[] = [];
const dawn = JSON.parse(await readFile(fileURLToPath(import.meta.resolve('webgpu/package.json')), 'utf8')) as {
  version: string;
};
const { prefill, decode, rounds } = size;
const text = async (): Promise<string> => {
  const results: GpuResults = {
    date: `${new Date().toISOString().slice(0, 16)}Z`,
    card,
    versions: { Node: process.versions.node, 'Dawn (webgpu)': dawn.version },
    works: {
      prefill: `Prefill of ${prefill.promptTokens} tokens`,
      decode: `decoding ${decode.generatedTokens - 1} after ${decode.promptTokens} and a first, ${rounds} rounds`,
    },
    conformance: tested,
    best,
    series,
    failures,
  };
  const page = gpuDocument(results);
  const name = card.name
    .split(',')[0]!
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  await writeFile(join(out, `${name}.json`), `${JSON.stringify(results, null, 1)}\n`);
  await writeFile(join(out, `${name}.md`), page);
  return page;
};
await text();
for (const group of groups) {
  say(`measuring ${group.join(', ')}`);
  series.push(...(await measureGroup(group, profiles, size, (failure) => failures.push(failure))));
  await text();
}
process.stdout.write(await text());
// Dawn would keep the process alive
process.exit(tested.failed + failures.length > 0 ? 1 : 0);
