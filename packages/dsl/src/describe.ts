/**
 * Describes a value in a few words, for messages: `'9'`, `10000`, `a promise`, `a list`. Never
 * throws.
 */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`.replaceAll('\n', '\\n');
    case 'bigint':
      return `${value}n`;
    case 'function':
      return isClass(value) ? 'a class' : 'a function';
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return String(value);
  }
}

/** Whether a function is a class, which cannot be called. */
export function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return 'a list';
  const made: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  if (made === 'Promise') return 'a promise';
  if (typeof made !== 'string' || made === '' || made === 'Object') return 'an object';
  return `${/^[AEIOU]/.test(made) ? 'an' : 'a'} ${made}`;
}
