/** A value in a message, for people: short, whatever it is. NaN and infinities are not JSON, and are just what is wrong when they come. */
export function spell(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return 'an object';
    const text = typeof value === 'string' || Array.isArray(value) ? JSON.stringify(value.slice(0, 30)) : String(value);
    return text.length > 60 ? `${text.slice(0, 60)}...` : text;
  } catch {
    // A revoked Proxy, a list that holds itself.
    return 'an object';
  }
}
