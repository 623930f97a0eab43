/**
 * What a function of the language returned, told from a copy. `{ ...rope(10_000), scaling: 8 }` looks like a rotary embedding and asks for
 * something that nothing computes; a graph with another name has a name that nobody checked. So originals are known, and cannot be changed.
 */

const originals = new WeakSet<object>();

/** `value`, frozen through and through, and known from now on. */
export function original<T extends object>(value: T): T {
  originals.add(value);
  return frozen(value);
}

/** Whether `original` returned this very object. */
export function isOriginal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && originals.has(value);
}

function frozen<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part);
  return value;
}
