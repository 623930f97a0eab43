/** Both ends of a graph file, for whoever runs one: the names that it may import, and the model that it must export. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, Site } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { describe } from './describe.ts';
import * as language from './index.ts';
import { capture } from './site.ts';

/** `dsl` as a graph file imports it: a name that is not there throws L129 at the author's line, also one behind `share.`. */
export function importable<T extends { readonly share: object }>(dsl: T): T {
  return complete({ ...dsl, share: complete(dsl.share, 'share.') }, '');
}

/** `members`, where every other name throws L129. */
function complete<T extends object>(members: T, prefix: string): T {
  const names = Object.keys(members).sort();
  return new Proxy(members, {
    get(target, name, receiver): unknown {
      if (typeof name === 'string' && !(name in target) && !['__esModule', 'default', 'then'].includes(name)) {
        const near = nearest(name, names);
        const remedy = (near === null ? names : [near]).map((each) => prefix + each).join(', ');
        throw new LamellaError('L129', { name: prefix + name, remedy }, { site: capture()() });
      }
      return Reflect.get(target, name, receiver);
    },
  });
}

/** L113 for a file that could not be run, with a remedy for what the engine says of a name. */
export function unrunnable(file: string, said: string, site: Site | null, better?: string): LamellaError {
  // Compilers to CommonJS put a name of their own before whatever is imported.
  const reason = said.replace(/\(0 ?, ?([\w$.]+)\)/, '$1').replace(/\b(?:import_\w+|_dsl)\./g, '');
  return new LamellaError('L113', { file, reason, remedy: better ?? remedyFor(reason) }, { site });
}

function remedyFor(reason: string): string {
  const names = Object.keys(language);
  // V8 and Firefox, then Safari
  const absent = /^([\w$]+) is not defined$/.exec(reason) ?? /^Can't find variable: ([\w$]+)$/.exec(reason);
  const unknown = absent?.[1];
  if (unknown !== undefined) {
    if (names.includes(unknown)) return `import { ${unknown} } from '@lamella/dsl'`;
    const near = nearest(unknown, names);
    return near ? `${near}, which '@lamella/dsl' has` : `declaring ${unknown}, or correcting its name`;
  }
  const [, early] = /^Cannot access '([\w$]+)' before initialization$/.exec(reason) ?? [];
  if (early !== undefined) return `declaring ${early} above the line that uses it`;
  const [, called] = /([\w$]+) is not a function$/.exec(reason) ?? [];
  const near = called === undefined ? null : nearest(called, ['logits', ...Object.keys(language.share), ...names]);
  return near !== null && near !== called ? near : 'correcting the file, then lamella check again';
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
