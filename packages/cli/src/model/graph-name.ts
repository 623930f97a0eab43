/** Telling a graph file from other models by its name, before anything is read. */

/** Whether `path` ends as TypeScript or JavaScript does. */
export function hasGraphName(path: string): boolean {
  return /[^/\\]\.[cm]?[jt]sx?$/.test(path);
}
