/**
 * Pass 5: lowers every operation of every kind to kernels, for one token and for a tile, and
 * verifies each kernel.
 */
import type { Kernel } from '../../loops/ir.ts';
import type { Features } from '../../loops/types.ts';
import { verifyKernel } from '../../loops/verify.ts';
import type { Plan } from '../../plan/plan.ts';
import type { FusedOp } from '../../program/ir.ts';
import type { KindKernels, Lowering } from '../scope.ts';
import { argmaxKernel } from './argmax.ts';
import { attentionKernel } from './attention.ts';
import { contractionKernel } from './contraction.ts';
import { convolveKernel, embedKernel, headsKernel, mapKernel } from './elementwise.ts';
import { encodeKernel } from './encode.ts';
import { normaliseKernel } from './normalise.ts';
import { CpuScope } from './scope.ts';

/** The kernels of one kind. */
export interface CpuKernels extends KindKernels {
  /** Of the end: the kernel that finds the largest logit, run only on request. */
  readonly choice: readonly Kernel[];
}

/** All kernels of a kind. */
export function kernelsOf({ decode, prefill, choice }: CpuKernels): readonly Kernel[] {
  return [...decode, ...prefill, ...choice];
}

/** The kernels of a program, for engines with these features. */
export function schedule(plan: Plan, features: Features): readonly CpuKernels[] {
  return plan.program.kinds.map((kind) => {
    const lower = (lowering: Lowering) =>
      kind.ops.map((op) => kernelOf(new CpuScope(plan, kind, lowering, features), op));
    if (kind.role !== 'end') return { kind, decode: lower('decode'), prefill: lower('prefill'), choice: [] };
    const argmax = argmaxKernel(new CpuScope(plan, kind, 'decode', features));
    verifyKernel(argmax, false, features);
    return { kind, decode: lower('decode'), prefill: [], choice: [argmax] };
  });
}

function kernelOf(scope: CpuScope, op: FusedOp): Kernel {
  const kernel = build(scope, op);
  verifyKernel(kernel, false, scope.features);
  return kernel;
}

function build(scope: CpuScope, op: FusedOp): Kernel {
  switch (op.kind) {
    case 'embed':
      return embedKernel(scope, op);
    case 'contraction':
      return contractionKernel(scope, op);
    case 'encode':
      return encodeKernel(scope, op);
    case 'heads':
      return headsKernel(scope, op);
    case 'attention':
      return attentionKernel(scope, op);
    case 'normalise':
      return normaliseKernel(scope, op);
    case 'convolve':
      return convolveKernel(scope, op);
    case 'map':
      return mapKernel(scope, op);
    default:
      return op satisfies never;
  }
}
