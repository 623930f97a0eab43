/** A package's folder, from whatever an app calls it. */
import { isNode } from './node.ts';
import { nodeFiles } from './node-files.ts';
import type { PackageFiles } from './package-files.ts';
import { webFiles } from './web-files.ts';

/** An absolute address, with a slash at its end; a path stays a path where there are paths. */
export function folderAddress(url: string | URL): string {
  const text = String(url).replace(/\/?$/, '/');
  if (isNode && !/^(https?|file):/.test(text)) return text;
  return new URL(text, isNode ? undefined : location.href).href;
}

/** The files below an address that `folderAddress` made. */
export function filesAt(folder: string): Promise<PackageFiles> {
  return /^https?:/.test(folder) || !isNode ? webFiles(folder) : nodeFiles(folder);
}
