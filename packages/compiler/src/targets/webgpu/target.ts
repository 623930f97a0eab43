/**
 * WebGPU as a target: every shader as text, the shaders that each kind runs, and the buffers they
 * bind.
 */
import type { GpuTarget } from '@lamella/runtime/webgpu-manifest';
import type { Kernel } from '../../loops/ir.ts';
import { type Plan, stateRows } from '../../plan/plan.ts';
import { conservative, type GpuProfile, halves } from '../../schedule/gpu/profile.ts';
import { forGpu } from '../../schedule/gpu/program.ts';
import { type GpuKernels, scheduleGpu } from '../../schedule/gpu/schedule.ts';
import { CANDIDATES } from '../../schedule/gpu/scope.ts';
import type { Target } from '../target.ts';
import { gpuLayout } from './layout.ts';
import { printShader, type Shader } from './print.ts';

/**
 * Tokens chosen before their ids are read back: enough to hide the readback, few enough that little
 * is computed past the end of an answer.
 */
const TOKENS_PER_READBACK = 8;

/** What a package holds for one profile, in addition to the file of `code`. */
export interface GpuParts {
  readonly manifest: Omit<GpuTarget, 'file' | 'sha256'>;
  /** All shaders, each preceded by a line `//// NAME`. */
  readonly code: string;
  readonly dispatchesPerToken: number;
  /** The kernels behind the shaders, in the manifest's order. */
  readonly kernels: readonly Kernel[];
  /**
   * Bytes of weights that the dispatches of one token bind. Without the embedding's, which read
   * only one row of their table.
   */
  readonly weightBytesPerToken: number;
}

/** The WebGPU target for adapters that meet a profile. */
export const webgpu = (profile: GpuProfile): Target<GpuKernels, GpuParts> => ({
  lower: (program) => forGpu(program, profile),
  schedule: (plan) => scheduleGpu(plan, profile),
  print: (plan, kernels) => printShaders(plan, kernels, profile),
});

/** The profiles that a package has shaders for, best first. Every adapter meets the last one. */
export const profiles: readonly GpuProfile[] = [halves, conservative];

/** Prints all shaders of a plan, and the part of the manifest that describes them. */
function printShaders(plan: Plan, kernels: GpuKernels, profile: GpuProfile): GpuParts {
  const shaders: Shader[] = [];
  const printed: Kernel[] = [];
  const add = (kernel: Kernel, kind: number): number => {
    printed.push(kernel);
    return shaders.push(printShader(kernel, plan, plan.program.kinds[kind]!, profile)) - 1;
  };
  const kinds = kernels.kinds.map(({ decode, prefill }, kind) => ({
    decode: decode.map((kernel) => add(kernel, kind)),
    prefill: prefill.map((kernel) => add(kernel, kind)),
  }));
  const weightBytes = (kernel: number): number =>
    shaders[kernel]!.bindings.reduce((sum, b) => sum + (b.resource === 'weights' ? b.bytes : 0), 0);
  const end = kernels.kinds.length - 1;
  const [argmax, draw] = [add(kernels.argmax, end), add(kernels.draw, end)];
  const candidates = { kernel: add(kernels.candidates, end), ...CANDIDATES };
  return {
    manifest: {
      profile: profile.name,
      needs: profile.needs,
      kernels: shaders.map(({ name, lanes, grid, bindings }) => ({ name, lanes, grid, bindings })),
      kinds,
      argmax,
      draw,
      candidates,
      states: stateRows(plan),
      layout: gpuLayout(plan, profile, TOKENS_PER_READBACK),
      chunk: TOKENS_PER_READBACK,
    },
    code: shaders.map(({ name, code }) => `//// ${name}\n${code}`).join(''),
    kernels: printed,
    dispatchesPerToken: 1 + plan.table.reduce((sum, row) => sum + kinds[row.kind]!.decode.length, 0),
    weightBytesPerToken: plan.table
      .filter(({ kind }) => plan.program.kinds[kind]!.role !== 'start')
      .flatMap(({ kind }) => kinds[kind]!.decode)
      .reduce((sum, kernel) => sum + weightBytes(kernel), 0),
  };
}
