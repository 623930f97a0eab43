/**
 * `lamella inspect`: shows the cost of a model, from a graph file or a checkpoint (compiled in
 * memory with the options of `compile`, without weights, nothing else written) or from a package.
 * All figures come from the manifest, so they cannot disagree. Several models are shown side by
 * side; one can be drawn as a page.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { sharedPartText, sharing } from '@lamella/report/sharing';
import { states, statesText } from '@lamella/report/states';
import { bytes, count } from '@lamella/report/units';
import { anyOf, type FormatName, type KvName } from '@lamella/runtime/choices';
import type { Manifest } from '@lamella/runtime/manifest';
import type { Command } from 'commander';
import { type Inspected, inspectWhole } from '../api/inspect.ts';
import type { DeviceProfile, InspectReport, Times, VariantsReport } from '../contract.ts';
import { writeText } from '../files.ts';
import { phones } from '../profile/phones.ts';
import { publishedMs } from '../profile/predict.ts';
import { readProfile } from '../profile/profile-file.ts';
import { path } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { context, ignore, kv, quant } from '../terminal/shared-options.ts';
import { type Align, heading, meter, table } from '../terminal/table.ts';

export interface InspectCommand {
  readonly json?: true;
  readonly html?: string;
  readonly device?: string;
  readonly quant?: FormatName;
  readonly kv?: KvName;
  readonly context?: number;
  readonly ignore?: readonly string[];
}

export function define(command: Command): void {
  command
    .option('--json', 'print one JSON object')
    .addOption(quant())
    .addOption(kv())
    .addOption(context("the graph's t; a checkpoint's own, at most 2048"))
    .addOption(ignore())
    .option(
      '--device <FILE>',
      `predict times on a device: a file that lamella profile wrote, or ${anyOf(Object.keys(phones))}`,
      path('--device'),
    )
    .option('--html <FILE>', 'write a self-contained page with pictures instead of tables', path('--html'))
    .action(inspect);
}

/**
 * With `html` a page replaces the tables. Throws L301 if `html` names an existing file that is not
 * such a page, and the errors of `inspect` of the API.
 */
export async function inspect(
  paths: readonly string[],
  { json, html, device, ...choices }: InspectCommand,
): Promise<void> {
  if (html !== undefined && paths.length > 1) {
    const remedy = 'one graph or package at a time';
    throw new LamellaError('L303', { option: '--html', value: `${paths.length} models`, remedy });
  }
  const { onNote } = observer();
  const profile = device === undefined ? undefined : await readProfile(device);
  const subjects: Inspected[] = [];
  for (const path of paths) subjects.push(await inspectWhole(path, { onNote, profile, ...choices }));
  const [{ page }] = subjects as [Inspected];
  if (html !== undefined) {
    const { isReport } = await import('@lamella/report/page');
    await writeText(html, await page(), isReport);
    process.stderr.write(`${html}: open it in a browser\n`);
  }
  if (json) {
    const variants = subjects.map(({ report }) => report);
    const report: InspectReport | VariantsReport = variants.length === 1 ? variants[0]! : { variants };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else if (html === undefined) {
    const shown = subjects.map((each) => ({ ...each.manifest, report: each.report }));
    process.stdout.write(shown.length === 1 ? drawn(shown[0]!) : sideBySide(paths, shown));
    if (profile) for (const each of shown) process.stdout.write(drawnPredictions(each, profile));
  }
}

/** A manifest with the report for a device. */
type Shown = Omit<Manifest, 'report'> & { readonly report: InspectReport };

/**
 * A row for each sharing order and target. For a phone with published times, its own time stands
 * beside the model as written, and the sources below.
 */
function drawnPredictions(model: Shown, profile: DeviceProfile): string {
  const { device, sources = [] } = profile;
  const published = publishedMs(model, profile);
  const ms = (time: number | undefined) => (time === undefined ? '' : `${time.toFixed(time < 10 ? 2 : 1)} ms`);
  const row = (order: string, target: string, { decodeMs, prefillMs, loadMs }: Times) => [
    order === 'own' ? 'as written' : order,
    target,
    ms(decodeMs),
    ms(prefillMs),
    ms(loadMs),
    ...(published === undefined ? [] : [order === 'own' ? ms(published) : '']),
  ];
  const rows = Object.entries(model.report.predicted ?? {}).flatMap(([order, { threads, webgpu, ...wasm }]) => {
    const on = sources.length > 0 ? 'published runtime' : `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    return [row(order, on, wasm), ...(webgpu ? [row(order, 'webgpu', webgpu)] : [])];
  });
  const titles = ['order', '', 'token', 'prompt of 64', 'load', ...(published === undefined ? [] : ['published'])];
  return [
    '\n',
    heading(`Predicted for ${model.name} on ${device}`),
    table([titles, ...rows], ['left', 'left', ...titles.slice(2).map((): Align => 'right')]),
    ...sources.map((source) => `  source: ${source}\n`),
  ].join('');
}

/** A column for each model, so that a row shows the cost of a change. */
function sideBySide(paths: readonly string[], manifests: readonly Shown[]): string {
  const row = (title: string, cell: (manifest: Shown) => string) => [title, ...manifests.map(cell)];
  const align: Align[] = ['left', ...manifests.map((): Align => 'right')];
  return table(
    [
      ['', ...paths],
      row('parameters', ({ report }) => count(report.parameters)),
      row('weight sets', ({ report }) => count(report.weightSets)),
      row('executions', ({ report }) => count(report.executions)),
      row('order', (manifest) => sharing(manifest).drawing),
      row('context', ({ context }) => count(context)),
      row('weights', ({ quant, report }) => `${quant} ${bytes(report.weightBytes)}`),
      row('state', ({ kv, report }) => `${kv} ${bytes(report.kvBytes)}`),
      row('arena', ({ report }) => bytes(report.arenaBytes)),
      row('memory planned', ({ memory }) => bytes(memory.plannedBytes)),
      row('kernels', ({ report }) => bytes(report.wasm.wasmBytes)),
      row('calls per token', ({ report }) => count(report.wasm.dispatchesPerToken)),
      row('slow memory per token', ({ report }) => bytes(report.slowMemoryBytesPerToken)),
    ],
    align,
    '',
  );
}

function drawn(manifest: Shown): string {
  const { report, memory } = manifest;
  const order = sharing(manifest);
  const bitsPerParameter = (8 * report.weightBytes) / report.parameters;
  const arena =
    report.arenaBytes === report.arenaLowerBoundBytes
      ? 'equals its lower bound'
      : `lower bound ${bytes(report.arenaLowerBoundBytes)}`;
  const regions: readonly [string, number, string][] = [
    ['weights', memory.weights.bytes, `${manifest.quant}, ${bitsPerParameter.toFixed(2)} bits per parameter`],
    ['state', memory.state.bytes, statesText(states(manifest))],
    ['arena', memory.arena.bytes, arena],
    ['logits', memory.logits.bytes, `${count(manifest.vocab)} of f32`],
    ['table', memory.table.bytes, `${manifest.table.length} rows of ${manifest.rowWords} words`],
    ['step', memory.step.bytes + memory.tokens.bytes, `inputs; a tile of ${manifest.tile} tokens`],
  ];
  const named = regions.reduce((sum, [, size]) => sum + size, 0);
  const rest: [string, number, string] = [
    'unused',
    memory.plannedBytes - named,
    'alignment and the end of the last page',
  ];
  return [
    heading(`${manifest.name}   ${count(report.parameters)} parameters`),
    '\n',
    heading('Sharing'),
    table(
      [
        ['weight sets', count(report.weightSets)],
        ['executions', count(report.executions)],
        ['state slots', count(report.stateSlots)],
      ],
      ['left', 'right'],
    ),
    `  order  ${order.drawing}\n`,
    order.order ? `         ${order.order}\n` : '',
    ...order.parts.map((part) => `  part   ${part.drawing}\n         ${sharedPartText(part)}\n`),
    '\n',
    heading(
      `Memory   ${bytes(memory.plannedBytes)} planned, allocated once; context ${count(manifest.context)} tokens`,
    ),
    table(
      [...regions, rest].map(([name, size, note]) => [
        name,
        bytes(size),
        `${((100 * size) / memory.plannedBytes).toFixed(1)} %`,
        meter(size / memory.plannedBytes, 16).padEnd(16),
        note,
      ]),
      ['left', 'right', 'right', 'left', 'left'],
    ),
    '\n',
    heading('Kernels'),
    table(
      [
        ['wasm', `${count(report.kernels)} kernels`, bytes(report.wasm.wasmBytes)],
        ['', `${count(report.wasm.dispatchesPerToken)} calls`, 'per decoded token'],
        ['', bytes(report.slowMemoryBytesPerToken), 'read from slow memory per decoded token'],
        ...(report.webgpu ? gpuRows(report.webgpu) : []),
      ],
      ['left', 'right', 'left'],
    ),
  ].join('');
}

function gpuRows(gpu: NonNullable<InspectReport['webgpu']>): readonly string[][] {
  return [
    ['webgpu', `${count(gpu.pipelines)} pipelines`, bytes(gpu.wgslBytes)],
    [
      '',
      `${count(gpu.dispatchesPerToken)} dispatches`,
      `per decoded token; a readback for ${gpu.tokensPerReadback} of them`,
    ],
    ['', bytes(gpu.weightBytesPerToken), 'of weights read per decoded token, from slow or fast memory'],
  ];
}
