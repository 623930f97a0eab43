/** The WebGPU part of a package: every shader as text, which of them a row of each kind runs, and the buffers they bind. */
import type { GpuTarget } from '@lamella/runtime/webgpu-manifest';
import type { Kernel } from '../../loops/ir.ts';
import type { Plan } from '../../plan/plan.ts';
import { conservative, type GpuProfile, halves } from '../../schedule/gpu/profile.ts';
import { forGpu } from '../../schedule/gpu/program.ts';
import { type GpuKernels, scheduleGpu } from '../../schedule/gpu/schedule.ts';
import { CANDIDATES } from '../../schedule/gpu/scope.ts';
import type { Target } from '../target.ts';
import { gpuLayout } from './layout.ts';
import { printShader, type Shader } from './print.ts';

/** Tokens chosen before their ids are read: enough to hide a readback, few enough that little is computed behind an end. */
const TOKENS_PER_READBACK = 8;

/** What a package holds besides the file that `code` becomes. */
export interface GpuParts {
  readonly manifest: Omit<GpuTarget, 'file' | 'sha256'>;
  /** All shaders, each behind a line `//// NAME`. */
  readonly code: string;
  readonly dispatchesPerToken: number;
  /** What the shaders were printed from, in the manifest's order. */
  readonly kernels: readonly Kernel[];
  /** Weight bytes that a token's dispatches bind, but for the embedding's, which read a row of a table. */
  readonly weightBytesPerToken: number;
}

/** WebGPU, on adapters of a profile, as a target. */
export const webgpu = (profile: GpuProfile): Target<GpuKernels, GpuParts> => ({
  lower: (program) => forGpu(program, profile),
  schedule: (plan) => scheduleGpu(plan, profile),
  print: (plan, kernels) => printShaders(plan, kernels, profile),
});

/** The profiles that a package has shaders for, best first. Every adapter has the last. */
export const profiles: readonly GpuProfile[] = [halves, conservative];

/** The shaders of a plan's kernels, as a package carries them. */
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
