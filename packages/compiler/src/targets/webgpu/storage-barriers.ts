/**
 * Finds the barriers that must order more than workgroup memory. WGSL has two barriers:
 * `workgroupBarrier` orders accesses to workgroup memory, `storageBarrier` orders accesses to
 * buffers. The second is printed only where an invocation reads from a buffer what another
 * invocation stored.
 */
import { type Expr, expressionsOf, type Kernel, mapExpr, type Stmt } from '../../loops/ir.ts';

/**
 * Barriers between a store to memory outside the workgroup and a later load from the same buffer.
 */
export function storageBarriersOf(kernel: Kernel): ReadonlySet<Stmt> {
  const outside = new Set(kernel.buffers.filter((b) => b.address.kind !== 'workgroup').map((b) => b.name));
  const found = new Set<Stmt>();
  const stored = new Set<string>();
  let open: { readonly barrier: Stmt; readonly stored: ReadonlySet<string> }[] = [];
  const loads = (e: Expr): void => {
    mapExpr(e, (x) => {
      if (x.kind !== 'load') return x;
      for (const { barrier, stored } of open) if (stored.has(x.buffer)) found.add(barrier);
      return x;
    });
  };
  const visit = (s: Stmt): void => {
    for (const e of expressionsOf(s)) loads(e);
    if (s.kind === 'store' && outside.has(s.buffer)) stored.add(s.buffer);
    // Unrolling copies statements, so each barrier of the text is an object of its own.
    if (s.kind === 'barrier') open = [...open, { barrier: s, stored: new Set(stored) }];
    if (s.kind === 'if') s.body.forEach(visit);
    // A later iteration of a loop may load what an earlier one stored.
    if (s.kind === 'for') [...s.body, ...(s.tag === 'serial' ? s.body : [])].forEach(visit);
  };
  kernel.body.forEach(visit);
  return found;
}
