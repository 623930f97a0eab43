/**
 * Lowers every operation of every kind to GPU kernels, for one token and for a tile, and adds the
 * kernels that choose a token. Each kernel is verified.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Kernel } from '../../loops/ir.ts';
import { verifyKernel } from '../../loops/verify.ts';
import type { Plan } from '../../plan/plan.ts';
import type { FusedOp } from '../../program/ir.ts';
import type { KindKernels, Lowering } from '../scope.ts';
import { argmaxKernel } from './argmax.ts';
import { attentionKernel } from './attention.ts';
import { candidatesKernel } from './candidates.ts';
import { contractionKernels } from './contraction.ts';
import { convolveKernel, embedKernel, headsKernel, mapKernel, normaliseKernel } from './elementwise.ts';
import { encodeKernel } from './encode.ts';
import type { GpuProfile } from './profile.ts';
import { GpuScope, workgroupBytes } from './scope.ts';

export interface GpuKernels {
  readonly kinds: readonly KindKernels[];
  /**
   * One of these runs after the end's kernels: it chooses the next token, draws it, or lists
   * candidates for it.
   */
  readonly argmax: Kernel;
  readonly draw: Kernel;
  readonly candidates: Kernel;
}

/** The kernels of a plan; its program must come from `forGpu`. */
export function scheduleGpu(plan: Plan, profile: GpuProfile): GpuKernels {
  const kinds = plan.program.kinds.map((kind): KindKernels => {
    const lower = (lowering: Lowering) =>
      kind.ops.flatMap((op) => build(() => new GpuScope(plan, kind, lowering, profile), op).map(checked));
    return { kind, decode: lower('decode'), prefill: kind.role === 'end' ? [] : lower('prefill') };
  });
  const end = plan.program.kinds.at(-1)!;
  const scope = () => new GpuScope(plan, end, 'decode', profile);
  return {
    kinds,
    argmax: checked(argmaxKernel(scope(), 'argmax')),
    draw: checked(argmaxKernel(scope(), 'draw')),
    candidates: checked(candidatesKernel(scope())),
  };

  function checked(kernel: Kernel): Kernel {
    verifyKernel(kernel);
    const bytes = workgroupBytes(kernel);
    if (bytes > profile.workgroupBytes) {
      const reason = `${kernel.name} needs ${bytes} bytes of workgroup memory, and the limit is ${profile.workgroupBytes}`;
      throw new LamellaError('L130', { reason, remedy: 'narrower heads, or leaving webgpu out of --target' });
    }
    return kernel;
  }
}

function build(open: () => GpuScope, op: FusedOp): readonly Kernel[] {
  switch (op.kind) {
    case 'embed':
      return [embedKernel(open(), op)];
    case 'contraction':
      return contractionKernels(open, op);
    case 'encode':
      return [encodeKernel(open(), op)];
    case 'heads':
      return [headsKernel(open(), op)];
    case 'attention':
      return [attentionKernel(open(), op)];
    case 'normalise':
      return [normaliseKernel(open(), op)];
    case 'convolve':
      return [convolveKernel(open(), op)];
    case 'map':
      return [mapKernel(open(), op)];
    default:
      return op satisfies never;
  }
}
