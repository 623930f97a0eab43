/** Pass 5: kernels. Every operation of every kind, lowered for one token and for a tile; each kernel verified. */
import type { Kernel } from '../loops/ir.ts';
import { verifyKernel } from '../loops/verify.ts';
import type { Plan } from '../plan.ts';
import type { FusedOp, Kind } from '../program/ir.ts';
import { attentionKernel } from './attention.ts';
import { contractKernel } from './contract.ts';
import { embedKernel, mapKernel } from './elementwise.ts';
import { normaliseKernel } from './normalise.ts';
import type { Lowering } from './scope.ts';

/** The kernels of one kind, in the order they run. The end has no prefill: logits are wanted for single tokens. */
export interface KindKernels {
  readonly kind: Kind;
  readonly decode: readonly Kernel[];
  readonly prefill: readonly Kernel[];
}

/** Kernels for the whole program. */
export function schedule(plan: Plan): readonly KindKernels[] {
  return plan.program.kinds.map((kind) => {
    const lower = (lowering: Lowering) => kind.ops.map((op) => kernelOf(plan, kind, op, lowering));
    return { kind, decode: lower('decode'), prefill: kind.role === 'end' ? [] : lower('prefill') };
  });
}

function kernelOf(plan: Plan, kind: Kind, op: FusedOp, lowering: Lowering): Kernel {
  const kernel = build(plan, kind, op, lowering);
  verifyKernel(kernel);
  return kernel;
}

function build(plan: Plan, kind: Kind, op: FusedOp, lowering: Lowering): Kernel {
  switch (op.op) {
    case 'embed':
      return embedKernel(plan, kind, op, lowering);
    case 'contract':
      return contractKernel(plan, kind, op, lowering);
    case 'attention':
      return attentionKernel(plan, kind, op, lowering);
    case 'normalise':
      return normaliseKernel(plan, kind, op, lowering);
    case 'map':
      return mapKernel(plan, kind, op, lowering);
    default:
      return op satisfies never;
  }
}
