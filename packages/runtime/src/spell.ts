/**
 * Spells any value for a message, in few characters. NaN and infinities are spelled as they are;
 * JSON has no form for them.
 */
export function spell(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return 'an object';
    const text = typeof value === 'string' || Array.isArray(value) ? JSON.stringify(value.slice(0, 30)) : String(value);
    return text.length > 60 ? `${text.slice(0, 60)}...` : text;
  } catch {
    // A revoked Proxy, or a list that contains itself.
    return 'an object';
  }
}
