/** `inspect`: the costs of a model. All figures come from the manifest, so they cannot disagree. */
import { LamellaError } from '@lamella/graph/diagnostics';
import { type Target, targets, usual } from '@lamella/runtime/choices';
import type { Manifest } from '@lamella/runtime/manifest';
import type { InspectReport } from '../contract.ts';
import { refuseIgnoring } from '../model/checkpoint.ts';
import { manifestAt } from '../package/package-manifest.ts';
import { fromSource, withGraph } from './graph.ts';
import { inWordsOfApi } from './lamella-error.ts';
import { type AnyModel, nameOf, recognise } from './model.ts';
import { type CompileChoices, choosing, listed, readOptions, refuseChoices, type WeightedChoices } from './options.ts';

export interface InspectOptions extends CompileChoices, Pick<WeightedChoices, 'ignore'> {
  /** The targets to report. Default: all for a graph, `wasm` for a checkpoint. */
  readonly target?: Target | readonly Target[] | undefined;
  /** Called with a sentence about the context, if it is shorter than a checkpoint's own. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/**
 * The costs of a model: parameters, sharing, memory, kernels, bytes per token. A graph or a
 * checkpoint is compiled in memory, without weights; nothing is written.
 *
 * Throws L308 if it is not a model, the errors of the model (L1xx, L2xx), L305 for choices that a
 * compiled package no longer has.
 *
 * @example
 * const { parameters, plannedBytes } = await inspect(graph, { quant: 'q4' });
 */
export function inspect(model: AnyModel, options: InspectOptions = {}): Promise<InspectReport> {
  return inWordsOfApi(async () => (await inspected(model, options)).manifest.report);
}

/** A model's manifest, and its report as a page. */
export interface Inspected {
  readonly manifest: Manifest;
  /** A self-contained page with pictures. */
  page(): Promise<string>;
}

/** Like `inspect`, with everything that the figures come from. */
export function inspectWhole(model: AnyModel, options: InspectOptions = {}): Promise<Inspected> {
  return inWordsOfApi(() => inspected(model, options));
}

async function inspected(model: AnyModel, given: InspectOptions): Promise<Inspected> {
  const options = readOptions(given, [...choosing, 'ignore', 'target', 'onNote']);
  const found = await recognise(model);
  if (found.kind === 'package' || found.kind === 'memory') {
    refuseChoices(nameOf(model), options);
    const manifest = found.kind === 'memory' ? found.package.manifest : await manifestAt(found.path);
    return { manifest, page: async () => (await import('@lamella/report/report')).packageReport(manifest) };
  }
  refuseIgnoring(nameOf(model), options.ignore);
  const asked = options.target && listed(options.target);
  const source = await fromSource(found, options, asked ?? (found.kind === 'checkpoint' ? [usual.target] : targets));
  const { compile } = await import('@lamella/compiler/pipeline');
  const compiled = (choices: typeof source.options) => withGraph(source, () => compile(source.graph, choices));
  const compilation = await compiled(source.options).catch((cause: unknown) => {
    // WebGPU is shown beside WASM only where it can run the model
    if (asked || !(cause instanceof LamellaError) || cause.code !== 'L130') throw cause;
    options.onNote?.(cause.message.replace(/\. Try: .*/s, ''));
    return compiled({ ...source.options, targets: [usual.target] });
  });
  if (source.note !== null) options.onNote?.(source.note);
  return {
    manifest: compilation.manifest({ weights: null, tokenizer: null, probe: null, wasm: [] }),
    page: async () => (await import('@lamella/report/report')).modelReport(compilation),
  };
}
