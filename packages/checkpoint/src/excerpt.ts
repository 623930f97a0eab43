/**
 * Quotes parts of a file in error messages. The text in a file may have any length and depth; a
 * message must be short.
 */

/** A JSON value as text, shortened for a message. */
export function excerpt(value: unknown): string {
  if (Array.isArray(value))
    return shortened(`[${value.slice(0, 20).map(part).join(',')}${value.length > 20 ? ',' : ']'}`);
  return part(value);
}

/** A value with its contents elided. */
function part(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[...]';
  if (typeof value === 'object' && value !== null) return '{...}';
  if (value === undefined) return 'missing';
  return shortened(typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value));
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Text from a file, shortened and without control characters, which a terminal would execute. */
export function shown(text: string): string {
  const plain = text.slice(0, 80).replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '?');
  return text.length > 80 ? `${plain}...` : plain;
}
