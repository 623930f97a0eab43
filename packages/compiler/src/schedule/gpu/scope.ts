/** What GPU schedules need beside the plan: memory that a workgroup shares, the step's own words, and the shape of a launch. */
import { type Builder, type Index, plus } from '../../loops/build.ts';
import type { Expr, Kernel, KernelBuffer } from '../../loops/ir.ts';
import { elementBytes } from '../../loops/types.ts';
import type { Plan } from '../../plan.ts';
import type { Kind } from '../../program/ir.ts';
import { KernelScope, type Lowering } from '../scope.ts';
import type { GpuProfile } from './profile.ts';

/** Builds one kernel for a GPU: grid loops around one workgroup loop around everything else. */
export class GpuScope extends KernelScope {
  readonly profile: GpuProfile;

  constructor(plan: Plan, kind: Kind, lowering: Lowering, profile: GpuProfile) {
    super(plan, kind, lowering);
    this.profile = profile;
  }

  /** Memory of one workgroup, `length` elements. */
  shared(name: string, element: 'f32' | 'i32', length: number, note: string): KernelBuffer {
    return this.use({ name, element, address: { from: 'workgroup' }, length, access: 'readwrite', note });
  }

  /** Words of the step: position, count, row. */
  step(): KernelBuffer {
    const { offset } = this.plan.memory.step;
    const note = 'position, count, row';
    const address = { from: 'memory', offset } as const;
    return this.use({ name: 'step', element: 'i32', address, length: 4, access: 'readwrite', note });
  }

  /** Ids that were chosen: at i the token of position i. Behind what linear memory holds elsewhere. */
  history(): KernelBuffer {
    const address = { from: 'memory', offset: this.plan.memory.plannedBytes } as const;
    const length = this.plan.program.context + 1;
    return this.use({ name: 'history', element: 'i32', address, length, access: 'write', note: 'ids by position' });
  }

  /** One workgroup of `lanes` invocations for every token of the step. */
  perToken(lanes: number, body: (b: Builder, lane: Expr, token: Index) => void): void {
    const workgroup = (b: Builder, token: Index) =>
      b.loop('workgroup', 'lane', { to: lanes }, (inner, lane) => body(inner, lane, token));
    if (this.lowering === 'decode') workgroup(this.b, 0);
    else this.b.loop('grid', 't', { to: this.scalar('count') }, workgroup);
  }

  /** Positions in the cache once this step has run. */
  lengthBehind(): Expr {
    return plus(this.scalar('position'), this.lowering === 'decode' ? 1 : this.scalar('count'));
  }
}

/** Bytes of workgroup memory a kernel takes. */
export function workgroupBytes(kernel: Kernel): number {
  return kernel.buffers.reduce(
    (sum, b) => sum + (b.address.from === 'workgroup' ? b.length * elementBytes(b.element) : 0),
    0,
  );
}
