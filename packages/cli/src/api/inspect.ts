/** `inspect`: the costs of a model. All figures come from the manifest, so they cannot disagree. */
import { LamellaError } from '@lamella/graph/diagnostics';
import { type Target, targets, usual } from '@lamella/runtime/choices';
import type { Manifest } from '@lamella/runtime/manifest';
import type { DeviceProfile, InspectReport } from '../contract.ts';
import { refuseIgnoring } from '../model/checkpoint.ts';
import { manifestAt } from '../package/package-manifest.ts';
import type { Orders } from '../profile/predict.ts';
import { fromSource, withGraph } from './graph.ts';
import { inWordsOfApi } from './lamella-error.ts';
import { type AnyModel, nameOf, recognise } from './model.ts';
import { type CompileChoices, choosing, listed, readOptions, refuseChoices, type WeightedChoices } from './options.ts';

export interface InspectOptions extends CompileChoices, Pick<WeightedChoices, 'ignore'> {
  /** The targets to report. Default: all for a graph, `wasm` for a checkpoint. */
  readonly target?: Target | readonly Target[] | undefined;
  /**
   * A profile of a device, from a file of `lamella profile`. The report then has predictions, and
   * its bytes from slow memory are those of this device. Default: none, and 8 MiB of fast memory.
   */
  readonly profile?: DeviceProfile | undefined;
  /** Called with a sentence about the context, if it is shorter than a checkpoint's own. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/**
 * The costs of a model: parameters, sharing, memory, kernels, bytes per token. A graph or a
 * checkpoint is compiled in memory, without weights; nothing is written.
 *
 * Throws L308 if it is not a model, the errors of the model (L1xx, L2xx), L305 for choices that a
 * compiled package no longer has and for a profile without the model's format.
 *
 * @example
 * const { parameters, plannedBytes } = await inspect(graph, { quant: 'q4' });
 */
export function inspect(model: AnyModel, options: InspectOptions = {}): Promise<InspectReport> {
  return inWordsOfApi(async () => (await inspected(model, options)).report);
}

/** A model's manifest, and its report as a page. */
export interface Inspected {
  readonly manifest: Manifest;
  /** The manifest's own, with predictions if there is a profile. */
  readonly report: InspectReport;
  /** A self-contained page with pictures. */
  page(): Promise<string>;
}

/** Like `inspect`, with everything that the figures come from. */
export function inspectWhole(model: AnyModel, options: InspectOptions = {}): Promise<Inspected> {
  return inWordsOfApi(() => inspected(model, options));
}

async function inspected(model: AnyModel, given: InspectOptions): Promise<Inspected> {
  const options = readOptions(given, [...choosing, 'ignore', 'target', 'profile', 'onNote']);
  const { profile } = options;
  const found = await recognise(model);
  if (found.kind === 'package' || found.kind === 'memory') {
    refuseChoices(nameOf(model), options);
    const manifest = found.kind === 'memory' ? found.package.manifest : await manifestAt(found.path);
    const report = await reportOn({ own: manifest }, manifest, profile);
    return { manifest, report, page: async () => (await import('@lamella/report/report')).packageReport(manifest) };
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
  const manifest = compilation.manifest({ weights: null, tokenizer: null, probe: null, wasm: [] });
  const shares = source.graph.stacks.some(({ weightSets, executions }) => executions.length > weightSets.length);
  const { ordersOf } = await import('@lamella/compiler/orders');
  const others = (profile && shares ? ordersOf(source.graph) : []).map((order) => {
    const { table, memory } = compilation.planInOrder(order);
    return [order, { ...manifest, table, memory }] as const;
  });
  return {
    manifest,
    report: await reportOn({ own: manifest, ...Object.fromEntries(others) }, manifest, profile),
    page: async () => (await import('@lamella/report/report')).modelReport(compilation),
  };
}

async function reportOn(
  orders: Orders,
  manifest: Manifest,
  profile: DeviceProfile | undefined,
): Promise<InspectReport> {
  if (!profile) return manifest.report;
  const { predictions, slowBytes } = await import('../profile/predict.ts');
  return {
    ...manifest.report,
    slowMemoryBytesPerToken: slowBytes(manifest, profile),
    predicted: predictions(orders, profile),
  };
}
