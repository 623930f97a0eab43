/**
 * The dispatch of a kernel: its grid loops become the axes, its one workgroup loop becomes the
 * invocations of a workgroup, and the body of that loop is the code of one invocation.
 */
import type { GpuExtent } from '@lamella/runtime/webgpu-manifest';
import type { Expr, Kernel, Stmt } from '../../loops/ir.ts';

/** One axis of a dispatch, from one grid loop. */
interface Axis {
  readonly name: string;
  readonly step: number;
  readonly extent: GpuExtent;
}

export interface Launch {
  /** At most three, outermost loop first. */
  readonly axes: readonly Axis[];
  /** The variable of the workgroup loop. */
  readonly lane: string;
  /** Invocations per workgroup. */
  readonly lanes: number;
  /** The statements of one invocation. */
  readonly body: readonly Stmt[];
}

/** Throws if the kernel's outer loops cannot be a dispatch. */
export function launchOf(kernel: Kernel): Launch {
  const fail = (why: string): never => {
    throw new Error(`kernel ${kernel.name} cannot be dispatched: ${why}`);
  };
  const axes: Axis[] = [];
  let body = kernel.body;
  for (;;) {
    const [only] = body;
    if (body.length !== 1 || only?.kind !== 'for') return fail('a loop must stand alone around a workgroup');
    if (only.from.kind !== 'const' || only.from.value !== 0) return fail(`${only.name} does not start at 0`);
    if (only.tag === 'workgroup') {
      if (only.to.kind !== 'const') return fail(`the size of a workgroup varies`);
      return { axes, lane: only.name, lanes: only.to.value, body: only.body };
    }
    if (only.tag !== 'grid' || axes.length === 3) return fail(`${only.name} is no axis of a dispatch`);
    axes.push({ name: only.name, step: only.step, extent: { ...linear(only.to, fail), per: only.step } });
    body = only.body;
  }
}

/** A bound of a grid loop as constant + position + count. */
function linear(e: Expr, fail: (why: string) => never): Omit<GpuExtent, 'per'> {
  const nothing = { constant: 0, position: 0, count: 0 };
  if (e.kind === 'const') return { ...nothing, constant: e.value };
  if (e.kind === 'get' && (e.name === 'position' || e.name === 'count')) return { ...nothing, [e.name]: 1 };
  if (e.kind !== 'apply' || e.fn !== 'add') return fail('the size of its grid is no sum');
  const [a, b] = e.args.map((x) => linear(x, fail)) as [typeof nothing, typeof nothing];
  return { constant: a.constant + b.constant, position: a.position + b.position, count: a.count + b.count };
}

/** The extent as text, for the first line of the shader. */
export function printExtent({ constant, position, count, per }: GpuExtent): string {
  const terms = [...(constant ? [constant] : []), ...(position ? ['position'] : []), ...(count ? ['count'] : [])];
  return per === 1 ? terms.join(' + ') : `(${terms.join(' + ')}) / ${per}`;
}
