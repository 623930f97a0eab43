/** Calls as Python writes them: `[set_alarm(at="07:00", days=["Mon"]), stop()]`. */
import type { Call } from './json.ts';
import { readOrNull, type Scanner } from './scanner.ts';

export function pythonCalls(text: string): readonly Call[] | null {
  const calls = readOrNull(text.trim(), (scan) => {
    scan.need(/\[\s*/y);
    return scan.list(() => call(scan), /\s*\]/y);
  });
  return calls?.length ? calls : null;
}

function call(scan: Scanner): Call {
  const [, name] = scan.need(/([A-Za-z_][\w.]*)\s*\(\s*/y);
  const given = scan.list((): [string, unknown] => {
    const [, key] = scan.need(/([A-Za-z_]\w*)\s*=\s*/y);
    return [key!, value(scan)];
  }, /\s*\)/y);
  return { name: name!, arguments: Object.fromEntries(given) };
}

const words = { True: true, False: false, None: null } as const;

function value(scan: Scanner): unknown {
  const text = scan.match(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/sy);
  if (text) return unescaped(text[1] ?? text[2]!);
  const word = scan.match(/True|False|None/y);
  if (word) return words[word[0] as keyof typeof words];
  if (scan.match(/\[\s*/y)) return scan.list(() => value(scan), /\s*\]/y);
  if (scan.match(/\{\s*/y)) {
    const entries = scan.list((): [string, unknown] => {
      const key = value(scan);
      scan.need(/\s*:\s*/y);
      return [String(key), value(scan)];
    }, /\s*\}/y);
    return Object.fromEntries(entries);
  }
  return Number(scan.need(/-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y)[0]);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/gs, (_, four, two, one) =>
    one === undefined ? String.fromCharCode(Number.parseInt(four ?? two, 16)) : (escapes[one] ?? one),
  );
}
