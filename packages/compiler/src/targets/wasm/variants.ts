/**
 * The modules of a package: the plain one, and one for each set of engine features that would
 * change at least one kernel.
 */
import type { WasmVariant } from '@lamella/runtime/choices';
import { formats, kvFormats } from '../../formats/table.ts';
import type { Feature, Features } from '../../loops/types.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Program } from '../../program/ir.ts';
import { schedule } from '../../schedule/cpu/schedule.ts';
import { assemble } from './assemble.ts';
import { printModule } from './module.ts';

/** The features that each variant may use. The first is the plain one. */
export const variantFeatures: Readonly<Record<WasmVariant, Features>> = {
  simd: new Set(),
  relaxed: new Set(['relaxed']),
  vnni: new Set(['relaxed', 'vnni']),
  sdot: new Set(['relaxed', 'sdot']),
  'simd-threads': new Set(['threads']),
  'relaxed-threads': new Set(['relaxed', 'threads']),
  'vnni-threads': new Set(['relaxed', 'vnni', 'threads']),
  'sdot-threads': new Set(['relaxed', 'sdot', 'threads']),
};

/** A module, and the features that an engine must have to run it. */
export interface WasmModule {
  readonly variant: WasmVariant;
  readonly wasm: Uint8Array;
}

/** All modules of a plan, the plain one first. They compute the same numbers. */
export async function modulesOf(plan: Plan, plain: Uint8Array): Promise<readonly WasmModule[]> {
  const others = variantsOf(plan.program).filter((variant) => variant !== 'simd');
  const made = others.map(async (variant) => {
    const features = variantFeatures[variant];
    return { variant, wasm: await assemble(printModule(plan, schedule(plan, features), features)) };
  });
  return [{ variant: 'simd', wasm: plain }, ...(await Promise.all(made))];
}

/** The variants whose code differs for this program. */
export function variantsOf({ kinds }: Program): readonly WasmVariant[] {
  const used = new Set<Feature>(
    kinds.flatMap(({ packs, state }) => [
      ...packs.flatMap(({ format }) => formats[format].uses),
      ...state.flatMap(({ format }) => kvFormats[format].uses),
    ]),
  );
  const plain = ['simd', ...(['relaxed', 'vnni', 'sdot'] as const).filter((feature) => used.has(feature))] as const;
  return [...plain, ...plain.map((variant) => `${variant}-threads` as const)];
}
