/** Objects that refuse a key that they do not have: it is a slip, and as undefined it would fail elsewhere. */
import type { LamellaError } from '@lamella/graph/diagnostics';
import type { Site } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { capture } from './site.ts';

/** What JavaScript itself asks objects for: whoever imports, awaits or prints one. */
const asked = ['__esModule', 'default', 'then', 'toJSON'];

/** `members`, where another key throws what `refuse` makes of it, the key that was probably meant (or all there are) and the place. */
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
