/**
 * How `constraint.js` of a package gives its module to the worker of a page. It is a script without
 * exports, like `worker.js`, because bundlers treat the file in different ways: as a module, as a
 * script or as a plain file.
 */
import type { LoadConstraints } from './parts.ts';

/** The name of the script in a package. */
export const CONSTRAINTS = 'constraint.js';

type Module = Awaited<ReturnType<LoadConstraints>>;

const key = Symbol.for('lamella constraints');
const place = globalThis as { [key]?: Module };

/** Called by the script. */
export function offer(module: Module): void {
  place[key] = module;
}

/** The module, once the script has run. */
export function offered(): Module | undefined {
  return place[key];
}
