/**
 * Values as a person writes them in a TypeScript file: numbers, object literals, and how they are
 * indented.
 */

/** Where a line is broken. */
export const columns = 120;

/** Text by key; an object literal may hold others. */
export type Tree = { readonly [name: string]: string | Tree };

/** An object literal, on one line where it is short and has no objects inside. */
export function object(tree: Tree): string {
  const entries = Object.entries(tree).map(([key, value]) => {
    const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`;
    return `${name}: ${typeof value === 'string' ? value : object(value)}`;
  });
  const line = `{ ${entries.join(', ')} }`;
  const flat =
    !line.includes('\n') && line.length <= 104 && Object.values(tree).every((value) => typeof value === 'string');
  // A block's list of modules reads best one a line.
  return flat && entries.length <= 3
    ? line
    : `{\n${entries.map((entry) => `${indented(`  ${entry}`, 2)},\n`).join('')}}`;
}

/** All lines but the first `by` spaces further in. */
export function indented(text: string, by: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(by)}`);
}

/** 2048, but 32_000. */
export function digits(value: number): string {
  return Number.isSafeInteger(value) && value >= 10_000
    ? value.toLocaleString('en-US').replaceAll(',', '_')
    : String(value);
}
