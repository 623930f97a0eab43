/** Calls as FunctionGemma writes them: `call:set_alarm{at:<escape>07:00<escape>,days:[1,2]}`. */
import type { Call } from './json.ts';
import { readOrNull, type Scanner } from './scanner.ts';

export function functionGemmaCalls(text: string): readonly Call[] | null {
  return readOrNull(text.trim(), (scan) => {
    const [, name] = scan.need(/call:([\w.-]+)\{/y);
    return [{ name: name!, arguments: members(scan) }];
  });
}

function members(scan: Scanner): Readonly<Record<string, unknown>> {
  const entries = scan.list((): [string, unknown] => {
    const [, key] = scan.need(/([^:,{}<>]+):\s*/y);
    return [key!.trim(), value(scan)];
  }, /\s*\}/y);
  return Object.fromEntries(entries);
}

function value(scan: Scanner): unknown {
  const text = scan.match(/<escape>(.*?)<escape>/sy);
  if (text) return text[1];
  if (scan.match(/\[\s*/y)) return scan.list(() => value(scan), /\s*\]/y);
  if (scan.match(/\{\s*/y)) return members(scan);
  const bare = scan.need(/[^,{}[\]<>]+/y)[0].trim();
  if (bare === 'true' || bare === 'false') return bare === 'true';
  if (bare === 'null') return null;
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(bare) ? Number(bare) : bare;
}
