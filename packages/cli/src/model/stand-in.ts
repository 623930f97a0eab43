/**
 * Keeps messages free of internal folders: an error in a folder that Lamella made, such as the
 * cache, names the path that the user typed.
 */

const named = new Map<string, string>();

/** From now on messages show `path` in place of `folder`. */
export function standsIn(folder: string, path: string): void {
  named.set(folder, path);
}

/** `text` with the user's paths. */
export function asNamed(text: string): string {
  return [...named].reduce((said, [folder, path]) => said.replaceAll(folder, path), text);
}
