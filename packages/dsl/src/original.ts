/**
 * Distinguishes results of DSL functions from copies. `{ ...rope(10_000), scaling: 8 }` has the
 * shape of a rotary embedding but an option that Lamella does not compute; a copy of a graph may
 * have an unchecked name. So originals are registered here and frozen.
 */

const originals = new WeakSet<object>();

/** Registers `value` as an original and freezes it deeply. */
export function original<T extends object>(value: T): T {
  originals.add(value);
  return frozen(value);
}

/** Whether `value` is an object that `original` returned. */
export function isOriginal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && originals.has(value);
}

function frozen<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part);
  return value;
}
