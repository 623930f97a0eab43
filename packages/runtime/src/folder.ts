/** A package's address, from whatever an app calls it, and the files there. */
import { isNode } from './node.ts';
import { nodeFiles } from './node-files.ts';
import type { PackageFiles } from './package-files.ts';
import { webFiles } from './web-files.ts';

/** Where the files of a package are. Plain data, because a page sends it to its worker. */
export interface PackageAddress {
  /** An absolute URL that ends in a slash; in Node it may be a path. Messages call the package by it. */
  readonly folder: string;
  /** What follows a file's name in its URL: the query of the address that the app gave (`?token=…`), or nothing. */
  readonly query: string;
  /** URLs of the files by name, where a bundler moved them: it puts each somewhere else and renames it. Empty where they lie in `folder`. */
  readonly moved: Readonly<Record<string, string>>;
}

/** The address of a package in the folder `url`; a path stays a path where there are paths. */
export function addressOf(url: string | URL): PackageAddress {
  const text = String(url);
  if (isNode && !/^(https?|file):/.test(text)) return { folder: text.replace(/\/?$/, '/'), query: '', moved: {} };
  const { origin, protocol, pathname, search } = new URL(text, isNode ? undefined : location.href);
  const root = protocol === 'file:' ? 'file://' : origin;
  return { folder: `${root}${pathname.replace(/\/?$/, '/')}`, query: search, moved: {} };
}

/** The URL of a file of the package. */
export function urlOf(file: string, { folder, query, moved }: PackageAddress): string {
  return moved[file] ?? `${folder}${file}${query}`;
}

/** The files at an address. */
export function filesAt(address: PackageAddress): Promise<PackageFiles> {
  const { folder } = address;
  return /^https?:/.test(folder) || !isNode ? webFiles(folder, (file) => urlOf(file, address)) : nodeFiles(folder);
}
