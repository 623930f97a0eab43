/**
 * Objects that throw when a missing key is read, because `undefined` would only fail later and
 * elsewhere.
 */
import type { LamellaError } from '@lamella/graph/diagnostics';
import type { Site } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { capture } from './site.ts';

/** Keys that JavaScript itself reads when a program imports, awaits or prints an object. */
const asked = ['__esModule', 'default', 'then', 'toJSON'];

/**
 * `members`, in which reading a missing key throws the error of `refuse`. Its arguments are the
 * key, the nearest existing key (or all of them) and the place.
 */
export function closed<T extends object>(
  members: T,
  refuse: (name: string, meant: readonly string[], site: Site | null) => LamellaError,
): T {
  return new Proxy(members, {
    get(target, name, receiver): unknown {
      if (typeof name === 'string' && !(name in target) && !asked.includes(name)) {
        const names = Object.keys(target);
        const near = nearest(name, names);
        throw refuse(name, near === null ? names : [near], capture()());
      }
      return Reflect.get(target, name, receiver);
    },
  });
}
