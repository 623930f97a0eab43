/** Recognises a graph file by its name, before anything is read. */

/** Whether `path` ends like a TypeScript or JavaScript file. */
export function hasGraphName(path: string): boolean {
  return /[^/\\]\.[cm]?[jt]sx?$/.test(path);
}
