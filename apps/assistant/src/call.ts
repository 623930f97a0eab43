/**
 * A function call, read while it is still being written: `{"name":"show_map","arguments":{"query":"the har`. A card can so be filled in as the
 * tokens come. The shape is what the assistant writes: a name, then arguments that are texts or plain values.
 */

export interface Argument {
  readonly name: string;
  readonly value: string;
  /** Whether its value is written to the end. */
  readonly complete: boolean;
}

export interface Call {
  /** As far as it is written. */
  readonly name: string;
  /** Whether the name is written to the end. */
  readonly named: boolean;
  readonly arguments: readonly Argument[];
  /** Whether nothing more can come. */
  readonly complete: boolean;
}

const start = '{"name":"';
/** The inside of a JSON text, then its end if that is there. */
const text = '((?:[^"\\\\]|\\\\.)*)("?)';
const head = new RegExp(`^\\s*\\{\\s*"name"\\s*:\\s*"${text}`, 's');
const opening = /\s*,\s*"arguments"\s*:\s*\{/y;
const argument = new RegExp(
  `\\s*,?\\s*"((?:[^"\\\\]|\\\\.)+)"\\s*:\\s*(?:"${text}|([^\\s",{}[\\]]+)(?=[\\s,}]))`,
  'sy',
);
const end = /\s*\}\s*\}\s*$/y;

/** The call that `written` is, or begins to be; null for anything else. */
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

/** A JSON text's meaning; an escape that is only half there is left out. */
function meaning(inside: string): string {
  try {
    return JSON.parse(`"${inside.replace(/\\u[0-9a-f]{0,3}$/i, '')}"`);
  } catch {
    return inside;
  }
}
