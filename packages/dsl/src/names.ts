/**
 * The names that an author may use. A model's name becomes a folder, an npm package and text in
 * generated files; a key becomes part of a tensor's name and of a Python module's. They are checked
 * here, so that later code need not quote, escape or shorten them.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { describe } from './describe.ts';
import type { Capture } from './site.ts';

const longest = 200;

/** Throws L126 unless `name` is a valid name of a model. */
export function checkModelName(name: string, site: Capture): void {
  const better = modelNameFrom(name);
  if (name === better) return;
  const remedy = isReserved(name)
    ? `a name that no system reserves, such as '${better}'`
    : `letters, digits, dots and dashes, such as '${better}'`;
  throw new LamellaError('L126', { what: 'a model', name: describe(name), remedy }, { site: site() });
}

/**
 * The valid model name nearest to `text`: `wörter` becomes `worter`, `my layer` `my-layer`; a valid
 * name stays.
 */
export function modelNameFrom(text: string): string {
  const better = spelled(text);
  return isReserved(better) ? `my-${better}` : better;
}

/** Names that npm reserves, and names of Windows devices, with or without an extension. */
export function isReserved(name: string): boolean {
  return /^(node_modules|favicon\.ico|(con|prn|aux|nul|com\d|lpt\d)(\..*)?)$/i.test(name);
}

function spelled(text: string): string {
  const plain = text
    .slice(0, longest)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-');
  return plain.slice(0, longest / 2).replace(/^[^A-Za-z0-9]+|[.-]+$/g, '') || 'my-model';
}

/**
 * Throws L126 unless `name` is a valid name of a tensor, a module or a prefix: parts of letters,
 * digits, `_` and `-`, joined by dots.
 */
export function checkKey(name: string, site: Capture): void {
  const isFine = (part: string): boolean => /^[A-Za-z0-9_-]+$/.test(part) && part !== '__proto__';
  if (name.length <= longest && name.split('.').every(isFine)) return;
  const remedy = "letters, digits, '_' and '-', as in checkpoints, e.g. self_attn";
  throw new LamellaError('L126', { what: 'a module', name: describe(name), remedy }, { site: site() });
}

/** Whether `name` is a valid name of an axis, i.e. of a variable. */
export function isAxisName(name: string): boolean {
  return name.length <= longest && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name);
}

/** Throws L126 unless `name` is a valid name of an axis. */
export function checkAxisName(name: string, site: Capture): void {
  if (isAxisName(name)) return;
  const remedy = 'the name of a variable, such as d or vocab';
  throw new LamellaError('L126', { what: 'an axis', name: describe(name), remedy }, { site: site() });
}
