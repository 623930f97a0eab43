/**
 * Reads a function call while it is still being written:
 * `{"name":"show_map","arguments":{"query":"the har`, so that a card can fill in as tokens arrive.
 * The form is the one that the assistant writes: a name, then arguments that are texts or plain
 * values.
 */

export interface Argument {
  readonly name: string;
  readonly value: string;
  /** Whether the value has been written to its end. */
  readonly complete: boolean;
}

export interface Call {
  /** The name, as far as it has been written. */
  readonly name: string;
  /** Whether the name has been written to its end. */
  readonly named: boolean;
  readonly arguments: readonly Argument[];
  /** Whether the call has been written to its end. */
  readonly complete: boolean;
}

const start = '{"name":"';
/** The characters of a JSON text, then its closing quote if it has been written. */
const text = '((?:[^"\\\\]|\\\\.)*)("?)';
const head = new RegExp(`^\\s*\\{\\s*"name"\\s*:\\s*"${text}`, 's');
const opening = /\s*,\s*"arguments"\s*:\s*\{/y;
const argument = new RegExp(
  `\\s*,?\\s*"((?:[^"\\\\]|\\\\.)+)"\\s*:\\s*(?:"${text}|([^\\s",{}[\\]]+)(?=[\\s,}]))`,
  'sy',
);
const end = /\s*\}\s*\}\s*$/y;

/** The complete or partial call in `written`; null for any other text. */
export function readCall(written: string): Call | null {
  const begun = head.exec(written);
  if (!begun) return start.startsWith(written) ? { name: '', named: false, arguments: [], complete: false } : null;
  const call = { name: meaning(begun[1]!), named: begun[2] === '"' };
  // Of an argument that is written twice, the later one counts, as in JSON.
  const read = new Map<string, Argument>();
  let at = begun[0].length;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(written);
    if (found) at = pattern.lastIndex;
    return found;
  };
  if (!call.named || !next(opening)) return { ...call, arguments: [], complete: false };
  for (let found = next(argument); found; found = next(argument)) {
    const [, name, inside, quote, plain] = found;
    const argument = { name: meaning(name!), value: plain ?? meaning(inside!), complete: quote !== '' };
    read.set(argument.name, argument);
    if (!argument.complete) break;
  }
  return { ...call, arguments: [...read.values()], complete: next(end) !== null };
}

/** The value of a JSON text without its quotes; an incomplete escape at the end is left out. */
function meaning(inside: string): string {
  try {
    return JSON.parse(`"${inside.replace(/\\u[0-9a-f]{0,3}$/i, '')}"`);
  } catch {
    return inside;
  }
}
