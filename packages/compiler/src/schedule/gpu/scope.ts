/**
 * What GPU schedules need in addition to `KernelScope`: workgroup memory, the words of the step,
 * and the shape of a dispatch.
 */
import { candidateList, GPU_STEP, GPU_STEP_WORDS } from '@lamella/runtime/step';
import { apply, type Builder, type Index, i32, plus } from '../../loops/build.ts';
import type { Expr, Kernel, KernelBuffer } from '../../loops/ir.ts';
import { elementBytes } from '../../loops/types.ts';
import type { Plan } from '../../plan/plan.ts';
import type { BufferId, Kind } from '../../program/ir.ts';
import { padded } from '../../program/packs.ts';
import { KernelScope, type Lowering, type Value } from '../scope.ts';
import type { GpuProfile } from './profile.ts';
import { mergedAttention, splitAttention } from './splits.ts';

/** Invocations that list candidates, and tokens that each one keeps. */
export const CANDIDATES = { lanes: 256, each: 4 } as const;
const LIST = candidateList(CANDIDATES.lanes * CANDIDATES.each);
export const CANDIDATE_BYTES = LIST.bytes;

/**
 * Offsets of the regions that only a GPU has, after the planned memory: the chosen ids by position,
 * then the candidates.
 */
export function gpuRegions({ memory, program }: Plan): { readonly history: number; readonly candidates: number } {
  return { history: memory.plannedBytes, candidates: padded(memory.plannedBytes + 4 * (program.context + 1), 16) };
}

/**
 * Builds one kernel for a GPU: grid loops, inside them one workgroup loop, inside it everything
 * else.
 */
export class GpuScope extends KernelScope {
  readonly profile: GpuProfile;

  constructor(plan: Plan, kind: Kind, lowering: Lowering, profile: GpuProfile) {
    super(plan, kind, lowering);
    this.profile = profile;
  }

  /** The values of `token` in a buffer; splits of attention are merged on reading. */
  override value(id: BufferId, token: Index): Value {
    const split = splitAttention(this.kind, id, this.plan.program.context);
    return split ? mergedAttention(this, split, token) : super.value(id, token);
  }

  /** A buffer of `length` elements in workgroup memory. */
  shared(name: string, element: 'f32' | 'i32', length: number, note: string): KernelBuffer {
    return this.use({ name, element, address: { kind: 'workgroup' }, length, access: 'readwrite', note });
  }

  /** The words of the step. */
  step(): KernelBuffer {
    const { offset } = this.plan.memory.step;
    const note = Object.keys(GPU_STEP).join(', ');
    const address = { kind: 'memory', offset } as const;
    return this.use({ name: 'step', element: 'i32', address, length: GPU_STEP_WORDS, access: 'readwrite', note });
  }

  /**
   * The candidates: ids (-1 where a share of the vocabulary has too few tokens) and their logits,
   * entry k of invocation l at k * lanes + l; and the sum over all tokens.
   */
  candidates(): Readonly<Record<'ids' | 'values' | 'total', KernelBuffer>> {
    const length = CANDIDATES.lanes * CANDIDATES.each;
    const { candidates } = gpuRegions(this.plan);
    const part = (name: string, element: 'i32' | 'f32', offset: number, length: number, note: string) =>
      this.use({
        name,
        element,
        address: { kind: 'memory', offset: candidates + offset },
        length,
        access: 'write',
        note,
      });
    return {
      ids: part('ids', 'i32', LIST.ids, length, 'candidates'),
      values: part('values', 'f32', LIST.logits, length, 'their logits'),
      total: part('total', 'f32', LIST.total, 1, 'sum over all tokens'),
    };
  }

  /** The chosen ids; element i is the token at position i. */
  history(): KernelBuffer {
    const address = { kind: 'memory', offset: gpuRegions(this.plan).history } as const;
    const length = this.plan.program.context + 1;
    return this.use({ name: 'history', element: 'i32', address, length, access: 'write', note: 'ids by position' });
  }

  /** Runs the body in one workgroup of `lanes` invocations for every token of the step. */
  perToken(lanes: number, body: (b: Builder, lane: Expr, token: Index) => void): void {
    const workgroup = (b: Builder, token: Index) =>
      b.loop('workgroup', 'lane', { to: lanes }, (inner, lane) => body(inner, lane, token));
    if (this.lowering === 'decode') workgroup(this.b, 0);
    else this.b.loop('grid', 't', { to: this.scalar('count') }, workgroup);
  }

  /**
   * Divides the workgroups along an axis among several works, `counts[i]` of them for work i. Runs
   * the work that `index` falls into, with its index there. `index` must be the same for all
   * invocations of a workgroup.
   */
  among(
    b: Builder,
    index: Expr,
    counts: readonly number[],
    run: (b: Builder, work: number, index: Expr) => void,
  ): void {
    const all = counts.reduce((sum, count) => sum + count, 0);
    let first = 0;
    counts.forEach((count, work) => {
      const from = first;
      const behind = first + count;
      const its = (b: Builder) => run(b, work, plus(index, -from));
      const before = (b: Builder) => (behind === all ? its(b) : b.when(apply('less', index, i32(behind)), its));
      if (from === 0) before(b);
      else b.when(apply('less', i32(from - 1), index), before);
      first = behind;
    });
  }

  /** Positions in the state after this step. */
  lengthBehind(): Expr {
    return plus(this.scalar('position'), this.lowering === 'decode' ? 1 : this.scalar('count'));
  }
}

/** Bytes of workgroup memory that a kernel uses. */
export function workgroupBytes(kernel: Kernel): number {
  return kernel.buffers.reduce(
    (sum, b) => sum + (b.address.kind === 'workgroup' ? b.length * elementBytes(b.element) : 0),
    0,
  );
}
