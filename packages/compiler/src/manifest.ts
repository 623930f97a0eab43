/**
 * The manifest of a package: the parts of a compilation that the loader needs, and the package's
 * files.
 */
import type { InspectReport, Manifest, Ring } from '@lamella/runtime/manifest';
import type { CompileOptions, PackageParts, Planned } from './compilation.ts';
import { type Program, positionsOf } from './program/ir.ts';
import type { WasmParts } from './targets/wasm/target.ts';
import type { GpuParts } from './targets/webgpu/target.ts';

/** The printed code and its figures. */
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
    format: 'lamella-package/3',
    name: graph.name,
    vocab: graph.vocab,
    context: graph.tokens.size,
    tile: plan.program.tile,
    quant,
    kv,
    ...module.manifest,
    ...ringsOf(plan.program),
    wasm,
    ...(wgsl.length > 0 ? { webgpu: wgsl.map((file, i) => ({ ...file, ...gpu[i]!.manifest })) } : {}),
    weights,
    tokenizer,
    report,
    probe,
  };
}

/**
 * For each kind, the ring of its state that leaves the least room beyond its window, or null;
 * nothing if no kind has a ring.
 */
function ringsOf(program: Program): Pick<Manifest, 'rings'> {
  const rings = program.kinds.map(({ state }): Ring | null => {
    const all = state.flatMap((part) => {
      const positions = positionsOf(part, program);
      return part.window !== null && positions < program.context
        ? [
            {
              positions,
              window: part.window,
              of: part.holds === 'heads' ? ('attention' as const) : ('convolution' as const),
            },
          ]
        : [];
    });
    return all.sort((a, b) => a.positions - a.window - (b.positions - b.window))[0] ?? null;
  });
  return rings.some((ring) => ring !== null) ? { rings } : {};
}
