/**
 * Folders that only we know stand for ones that the user named. What goes wrong in them is told of
 * those.
 */

const named = new Map<string, string>();

/** From now on messages say `path` where they would say `folder`. */
export function standsIn(folder: string, path: string): void {
  named.set(folder, path);
}

/** `text` with the names that the user knows. */
export function asNamed(text: string): string {
  return [...named].reduce((said, [folder, path]) => said.replaceAll(folder, path), text);
}
