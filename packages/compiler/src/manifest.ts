/** The manifest of a package: what of a compilation its loader has to know, with the names of the files it was written to. */
import type { InspectReport, Manifest } from '@lamella/runtime/manifest';
import type { CompileOptions, PackageParts, Planned } from './compilation.ts';
import type { WasmParts } from './targets/wasm/target.ts';
import type { GpuParts } from './targets/webgpu/target.ts';

/** What was printed, and its figures. */
interface Printed {
  readonly module: WasmParts;
  readonly gpu: readonly GpuParts[];
  readonly report: InspectReport;
}

/** The manifest of a package with these parts. */
export function manifestOf(
  { graph, plan }: Planned,
  { quant, kv = 'f32' }: CompileOptions,
  { module, gpu, report }: Printed,
  { weights, tokenizer, probe, wasm, wgsl = [] }: PackageParts,
): Manifest {
  return {
    format: 'lamella-package/2',
    name: graph.name,
    vocab: graph.vocab,
    context: graph.tokens.size,
    tile: plan.program.tile,
    quant,
    kv,
    ...module.manifest,
    wasm,
    ...(wgsl.length > 0 ? { webgpu: wgsl.map((file, i) => ({ ...file, ...gpu[i]!.manifest })) } : {}),
    weights,
    tokenizer,
    report,
    probe,
  };
}
