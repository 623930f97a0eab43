/**
 * The report of a model: what the compiler decided, as pictures. `lamella inspect --html` and every package carry it. A compilation shows
 * everything; a package has only its manifest, which knows the sharing and the memory.
 */
import type { Compilation } from '@lamella/compiler/compilation';
import type { Manifest } from '@lamella/runtime/manifest';
import { arenaPicture } from './arena-picture.ts';
import { codePicture } from './code-picture.ts';
import { memoryPicture } from './memory-picture.ts';
import { page, type Section } from './page.ts';
import { parametersPicture } from './parameters-picture.ts';
import { sharing } from './sharing.ts';
import { stackPicture } from './stack-picture.ts';
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
      lead: 'Compiled once for each kind of block and run over the table of executions; loops on one side, what was printed from them on the other.',
      body: codePicture(compilation),
    },
  ]);
}

/** What the plan of a compiled model looks like: everything but its code. */
export function pictures(compilation: Compilation): readonly Section[] {
  const manifest = manifestOf(compilation);
  return [
    stackSection(manifest),
    {
      id: 'traffic',
      title: 'Slow memory',
      lead: 'Weight bytes that decoding one token reads from beyond the fast memory. Every execution is as wide as the bytes it works through.',
      body: trafficPicture(compilation),
    },
    {
      id: 'parameters',
      title: 'Parameters',
      lead: 'Every tensor as it is stored. Each weight set is stored once, however often it runs.',
      body: parametersPicture(compilation),
    },
    memorySection(manifest),
    {
      id: 'arena',
      title: 'Arena',
      lead: 'Which activations lie where, and when: operations from top to bottom, bytes from left to right.',
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

/** The same of a package, from its manifest alone. */
export function packageReport(manifest: Manifest): string {
  return headed(manifest, [stackSection(manifest), memorySection(manifest)]);
}

function headed(manifest: Manifest, sections: readonly Section[]): string {
  return page(manifest.name, subtitle(manifest), facts(manifest), sections);
}

/** What the model is, in a line. */
export function subtitle({ report, quant, context }: Manifest): string {
  return `${count(report.parameters)} parameters as ${quant}, context ${count(context)} tokens`;
}

/** The figures that a reader looks for first. */
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
  const { weightSets, executions, order } = sharing(manifest.table);
  return {
    id: 'stack',
    title: 'Stack',
    lead: `${weightSets} weight sets, ${executions} executions, ${manifest.report.stateSlots} state slots${order ? `: ${order}` : ', nothing shared'}.`,
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
