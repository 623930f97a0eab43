/**
 * Sums and maxima over a workgroup: a tree in shared memory, eight branches per step, so that 64
 * parts take two barriers. The order of additions is fixed, so results do not depend on timing.
 */
import { apply, type Builder, load, plus, times } from '../../loops/build.ts';
import type { Expr, KernelBuffer } from '../../loops/ir.ts';

/**
 * Branches per step: reading more values costs less than another barrier (8 against 4: 0.3 us of a
 * kernel's 7 on an H100).
 */
const BRANCHES = 8;

type Combine = (x: Expr, y: Expr) => Expr;

/**
 * Combines the entries g, g + width, g + 2 width, ... (`parts` of them, a power of two) into entry
 * g, for every g below `width`, in each of `arrays` consecutive arrays. An entry holds one value of
 * `type`. All entries must be written, and a barrier passed, before the call. A barrier follows
 * each step.
 */
export function combineParts(
  b: Builder,
  scratch: KernelBuffer,
  type: 'f32' | 'f32x4' | 'i32x4',
  lane: Expr,
  parts: number,
  width: number,
  combine: Combine,
  arrays = 1,
): void {
  const elements = type === 'f32' ? 1 : 4;
  for (let n = parts; n > 1; ) {
    const branches = Math.min(BRANCHES, n);
    n /= branches;
    const distance = n * width;
    b.when(apply('less', lane, { kind: 'const', type: 'i32', value: distance }), (inner) => {
      for (let array = 0; array < arrays; array++) {
        const entry = (i: number) => times(plus(lane, array * parts * width + i * distance), elements);
        const values = [...Array(branches).keys()].map((i) => load(scratch, entry(i), type));
        inner.store(scratch, entry(0), values.reduce(combine));
      }
    });
    b.barrier();
  }
}

/** The combination of all invocations' values, returned to every invocation. */
export function reduceAll(
  b: Builder,
  scratch: KernelBuffer,
  lane: Expr,
  lanes: number,
  value: Expr,
  combine: Combine,
): Expr {
  b.store(scratch, lane, value);
  b.barrier();
  combineParts(b, scratch, 'f32', lane, lanes, 1, combine);
  const result = b.let('all', load(scratch, 0, 'f32'));
  // after this the scratch may be overwritten
  b.barrier();
  return result;
}
