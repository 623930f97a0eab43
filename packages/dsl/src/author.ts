/** Both ends of a graph file, for whoever runs one: the names that it may import, and the model that it must export. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { describe } from './describe.ts';
import { capture } from './site.ts';

/** `dsl` as a graph file imports it: a name that is not there throws L129 at the author's line. */
export function importable<T extends object>(dsl: T): T {
  const names = Object.keys(dsl).sort();
  return new Proxy(dsl, {
    get(target, name, receiver): unknown {
      if (typeof name === 'string' && !(name in target) && !['__esModule', 'default', 'then'].includes(name)) {
        const remedy = nearest(name, names) ?? names.join(', ');
        throw new LamellaError('L129', { name, remedy }, { site: capture()() });
      }
      return Reflect.get(target, name, receiver);
    },
  });
}

/** The model among the exports of `file`, a CommonJS module. Throws L112, which says what is there instead. */
export function exportedModel(file: string, exports: unknown): Graph {
  const found = typeof exports === 'object' && exports !== null && 'default' in exports ? exports.default : undefined;
  if (isGraph(found)) return found;
  throw new LamellaError('L112', { file, reason: whatInstead(exports, found) });
}

function whatInstead(exports: unknown, found: unknown): string {
  if (isGraph(exports)) return 'it sets module.exports';
  const names = Object.keys(exports ?? {}).filter((name) => name !== 'default');
  if (typeof exports === 'object' && exports !== null && 'default' in exports) {
    if (found instanceof Promise) return 'its default export is a promise, and defineModel needs no await';
    if (typeof found === 'function') return 'its default export is a function, which nothing calls';
    return `its default export is ${describe(found)}`;
  }
  return names.length > 0 ? `it exports ${names.slice(0, 5).join(', ')} by name` : 'it exports nothing';
}

function isGraph(value: unknown): value is Graph {
  return (
    typeof value === 'object' && value !== null && ['root', 'stacks', 'kinds', 'weights'].every((key) => key in value)
  );
}
