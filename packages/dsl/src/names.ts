/**
 * Which names an author may give. A model's name becomes a folder, an npm package and text in generated files, a key becomes a checkpoint's and
 * a Python module's: they are checked here, once, so that nothing later needs to quote, escape or shorten them.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { describe } from './describe.ts';
import type { Capture } from './site.ts';

const longest = 200;

/** Throws L126 unless `name` can be a model's. */
export function checkModelName(name: string, site: Capture): void {
  const better = modelNameFrom(name);
  if (name === better) return;
  const remedy = isReserved(name)
    ? `one that no system keeps for itself, such as '${better}'`
    : `letters, digits, dots and dashes, such as '${better}'`;
  throw new LamellaError('L126', { what: 'a model', name: describe(name), remedy }, { site: site() });
}

/** The nearest name that a model can have, which is `text` itself where that can be one: `wörter` becomes `worter`, `my layer` `my-layer`. */
export function modelNameFrom(text: string): string {
  const better = spelled(text);
  return isReserved(better) ? `my-${better}` : better;
}

/** What npm keeps for itself, and what Windows takes for a device, also with an ending. */
function isReserved(name: string): boolean {
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

/** Throws L126 unless `name` can be the name of a tensor, a module or a prefix: parts of letters, digits, `_` and `-` with dots in between. */
export function checkKey(name: string, site: Capture): void {
  const isFine = (part: string): boolean => /^[A-Za-z0-9_-]+$/.test(part) && part !== '__proto__';
  if (name.length <= longest && name.split('.').every(isFine)) return;
  const remedy = "letters, digits, '_' and '-', as checkpoints have them, such as self_attn";
  throw new LamellaError('L126', { what: 'a module', name: describe(name), remedy }, { site: site() });
}

/** Whether `name` can be an axis': a word that a variable could have. */
export function isAxisName(name: string): boolean {
  return name.length <= longest && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name);
}

/** Throws L126 unless `name` can be an axis'. */
export function checkAxisName(name: string, site: Capture): void {
  if (isAxisName(name)) return;
  const remedy = 'a word that a variable could have, such as d or vocab';
  throw new LamellaError('L126', { what: 'an axis', name: describe(name), remedy }, { site: site() });
}
