/**
 * The report of a model: the decisions of the compiler as pictures. `lamella inspect --html` writes
 * it, and every package contains it. A compilation shows everything; for a package there is only
 * the manifest, with its sharing and memory.
 */
import type { Compilation } from '@lamella/compiler/compilation';
import type { Manifest } from '@lamella/runtime/manifest';
import { arenaPicture } from './arena-picture.ts';
import { codePicture } from './code-picture.ts';
import { memoryPicture } from './memory-picture.ts';
import { page, type Section } from './page.ts';
import { parametersPicture } from './parameters-picture.ts';
import { sharedPartText, sharing } from './sharing.ts';
import { stackPicture } from './stack-picture.ts';
import { states, statesText } from './states.ts';
import { tokenPicture } from './token-picture.ts';
import { trafficPicture } from './traffic-picture.ts';
import { bytes, count } from './units.ts';

/** A self-contained HTML document about a compiled model. */
export function modelReport(compilation: Compilation): string {
  return headed(manifestOf(compilation), [
    ...pictures(compilation),
    {
      id: 'kernels',
      title: 'Kernels',
      lead: 'Kernels are compiled once for each kind of block and run over the table of executions. Each is shown as loops and as the code printed from them.',
      body: codePicture(compilation),
    },
  ]);
}

/** The pictures of a model's plan: everything except its code. */
export function pictures(compilation: Compilation): readonly Section[] {
  const manifest = manifestOf(compilation);
  return [
    stackSection(manifest),
    {
      id: 'traffic',
      title: 'Slow memory',
      lead: 'Weight bytes that decoding one token reads from slow memory. The width of an execution is the number of weight bytes that it uses.',
      body: trafficPicture(compilation),
    },
    {
      id: 'parameters',
      title: 'Parameters',
      lead: 'Every stored tensor. Each weight set is stored once, even if it runs several times.',
      body: parametersPicture(compilation),
    },
    memorySection(manifest),
    {
      id: 'arena',
      title: 'Arena',
      lead: 'The places of the activations over time: operations from top to bottom, bytes from left to right.',
      body: arenaPicture(compilation.plan),
    },
    {
      id: 'token',
      title: 'One token',
      lead: 'The kernels of a decoded token in the order they run.',
      body: tokenPicture(compilation),
    },
  ];
}

function manifestOf(compilation: Compilation): Manifest {
  return compilation.manifest({ weights: null, tokenizer: null, probe: null, wasm: [] });
}

/** The report of a package, from its manifest alone. */
export function packageReport(manifest: Manifest): string {
  return headed(manifest, [stackSection(manifest), memorySection(manifest)]);
}

function headed(manifest: Manifest, sections: readonly Section[]): string {
  return page(manifest.name, subtitle(manifest), facts(manifest), sections);
}

/** The model in one line. */
export function subtitle({ report, quant, context }: Manifest): string {
  return `${count(report.parameters)} parameters as ${quant}, context ${count(context)} tokens`;
}

/** The most important figures. */
export function facts({ report }: Manifest): readonly (readonly [string, string])[] {
  return [
    ['memory, allocated once', bytes(report.plannedBytes)],
    ['weights', bytes(report.weightBytes)],
    ['from slow memory per token', bytes(report.slowMemoryBytesPerToken)],
    ['executions', count(report.executions)],
    ['code', bytes(report.wasm.wasmBytes)],
    ['calls per token', count(report.wasm.dispatchesPerToken)],
  ];
}

function stackSection(manifest: Manifest): Section {
  const { weightSets, executions, order, parts } = sharing(manifest);
  const whole = order ? `: ${order}` : parts.length > 0 ? '' : ', nothing shared';
  const shared = parts.map((part) => ` A part is shared: ${sharedPartText(part)}.`).join('');
  const { groups, readers } = states(manifest);
  const kept =
    readers > 0 || groups.some(({ ring }) => ring) ? ` Keys and values: ${statesText({ groups, readers })}.` : '';
  return {
    id: 'stack',
    title: 'Stack',
    lead: `${weightSets} weight sets, ${executions} executions, ${manifest.report.stateSlots} state slots${whole}.${shared}${kept}`,
    body: stackPicture(manifest),
  };
}

function memorySection(manifest: Manifest): Section {
  return {
    id: 'memory',
    title: 'Memory',
    lead: `${bytes(manifest.memory.plannedBytes)} in one piece, known before anything is downloaded.`,
    body: memoryPicture(manifest),
  };
}
