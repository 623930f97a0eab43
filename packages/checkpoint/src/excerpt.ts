/** Quoting a file in a message about it. What a file says may be as long or as deep as the file; a message may not. */

/** A value of JSON as it was written, short enough for a message. */
export function excerpt(value: unknown): string {
  if (Array.isArray(value))
    return shortened(`[${value.slice(0, 20).map(part).join(',')}${value.length > 20 ? ',' : ']'}`);
  return part(value);
}

/** A value without what is inside it. */
function part(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[...]';
  if (typeof value === 'object' && value !== null) return '{...}';
  if (value === undefined) return 'missing';
  return shortened(typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value));
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Text from a file, fit for a message: short, and without what a terminal would obey. */
export function shown(text: string): string {
  const plain = text.slice(0, 80).replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '?');
  return text.length > 80 ? `${plain}...` : plain;
}
