/** Loads the module of constraints in a worker, when an answer first needs it. */
import { offered } from '../entry/constraint-script.ts';
import type { LoadConstraints } from '../entry/parts.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import { importUnseen } from '../node.ts';

let attempts = 0;

/** Runs the first of these scripts that can be loaded. L461 if none can. */
export async function importConstraints(scripts: readonly string[]): ReturnType<LoadConstraints> {
  let reason = 'a bundler did not copy constraint.js';
  for (const script of scripts) {
    // Browsers keep the failure of a module, so that another attempt needs another address.
    const url = attempts++ === 0 ? script : `${script}#${attempts}`;
    await importUnseen(url).catch((cause: unknown) => {
      reason = reasonOf(cause);
    });
    const found = offered();
    if (found) return found;
  }
  throw new LamellaError('L461', { reason });
}
