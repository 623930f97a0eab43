/**
 * WebAssembly as a target. It prints the plain module, which runs on every engine; `variants.ts`
 * makes the others.
 */
import type { Manifest } from '@lamella/runtime/manifest';
import { stateRows } from '../../plan/plan.ts';
import { forCpu, MAX_THREADS } from '../../schedule/cpu/program.ts';
import { type CpuKernels, schedule } from '../../schedule/cpu/schedule.ts';
import type { Target } from '../target.ts';
import { printModule } from './module.ts';
import { variantFeatures } from './variants.ts';

/** The plain module as WAT. */
export interface WasmParts {
  readonly code: string;
  readonly manifest: Pick<Manifest, 'maxThreads' | 'memory' | 'kinds' | 'rowWords' | 'table' | 'states'>;
}

export const wasm: Target<readonly CpuKernels[], WasmParts> = {
  lower: forCpu,
  schedule: (plan) => schedule(plan, variantFeatures.simd),
  print: (plan, kernels) => ({
    code: printModule(plan, kernels),
    manifest: {
      maxThreads: MAX_THREADS,
      memory: plan.memory,
      kinds: plan.program.kinds.map((kind) => kind.name),
      rowWords: plan.rowWords,
      table: plan.table,
      states: stateRows(plan),
    },
  }),
};
