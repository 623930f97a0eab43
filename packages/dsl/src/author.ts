/**
 * For programs that run an author's graph file: the names that the file may import, the model that
 * it must export, and the error if it fails to run.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, Site } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { closed } from './closed.ts';
import { describe } from './describe.ts';
import * as language from './index.ts';
import { isOriginal } from './original.ts';

/**
 * `dsl` as a graph file imports it: an unknown name throws L129 at the author's line, also an
 * unknown member of `share` or `ropeScaling`.
 */
export function importable<T extends { readonly share: object; readonly ropeScaling: object }>(dsl: T): T {
  const share = complete(dsl.share, 'share.');
  return complete({ ...dsl, share, ropeScaling: complete(dsl.ropeScaling, 'ropeScaling.') }, '');
}

function complete<T extends object>(members: T, prefix: string): T {
  return closed(members, (name, meant, site) => {
    const remedy = meant
      .toSorted()
      .map((each) => prefix + each)
      .join(', ');
    return new LamellaError('L129', { name: prefix + name, remedy }, { site });
  });
}

/**
 * L113 for a file that could not be run. The remedy follows from the JavaScript engine's message.
 */
export function unrunnable(file: string, said: string, site: Site | null, better?: string): LamellaError {
  // compilers to CommonJS write imported names as members of a variable of their own
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
  if (called === undefined) return 'correcting the file, then lamella check again';
  if (names.includes(called)) return `${called}(...), which '@lamella/dsl' has`;
  return nearest(called, ['logits', ...names]) ?? `a function there, or stack(1, ${called}) where it is a block`;
}

/**
 * The default export of `file`, a CommonJS module. Throws L112, with what it exports instead, if
 * that is not a model.
 */
export function exportedModel(file: string, exports: unknown): Graph {
  const found = typeof exports === 'object' && exports !== null && 'default' in exports ? exports.default : undefined;
  if (isGraph(found) && isOriginal(found)) return found;
  throw new LamellaError('L112', { file, reason: whatInstead(exports, found) });
}

function whatInstead(exports: unknown, found: unknown): string {
  if (isGraph(exports)) return 'it sets module.exports';
  const names = Object.keys(exports ?? {}).filter((name) => name !== 'default');
  if (typeof exports === 'object' && exports !== null && 'default' in exports) {
    if (found instanceof Promise) return 'its default export is a promise, and defineModel needs no await';
    if (typeof found === 'function') return 'its default export is a function, which nothing calls';
    if (isGraph(found)) return 'its default export is a copy of what defineModel returned';
    return `its default export is ${describe(found)}`;
  }
  return names.length > 0 ? `it exports ${names.slice(0, 5).join(', ')} by name` : 'it exports nothing';
}

function isGraph(value: unknown): value is Graph {
  return (
    typeof value === 'object' && value !== null && ['root', 'stacks', 'kinds', 'weights'].every((key) => key in value)
  );
}
