/** Turns the address that an app gives into a package's address. */
import { LamellaError } from '../lamella-error.ts';
import { isNode } from '../node.ts';
import { spell } from '../spell.ts';

/** The address of a package's files. Plain data, because a page sends it to its worker. */
export interface PackageAddress {
  /**
   * An absolute URL that ends in a slash; in Node also a path. Messages use it as the package's
   * name.
   */
  readonly folder: string;
  /**
   * Appended to a file's name in its URL: the query of the address that the app gave (`?token=…`),
   * or nothing.
   */
  readonly query: string;
  /**
   * URLs of the files by name, if a bundler moved and renamed them. Empty if they lie in `folder`.
   */
  readonly moved: Readonly<Record<string, string>>;
  /**
   * Distinguishes the package from others with the same `folder`, if a bundler moved the files.
   * Null if the folder belongs to the package alone.
   */
  readonly id: string | null;
}

/** The name and id of a package in its own scripts. */
export interface Identity {
  readonly name: string;
  /** Changes with everything that the package computes, because two packages may have one name. */
  readonly id: string;
}

/**
 * URLs, by name, of the files that came with a script, each written as `new URL('./NAME',
 * import.meta.url).href`, the form that bundlers replace. It is a function, called only when a page
 * calls `load`: servers that render pages import these scripts, too.
 */
export type FileUrls = () => Readonly<Record<string, string>>;

/** L408 for a value that is not the address of a package. */
export const noAddress = (
  url: unknown,
  range = 'the address or the path of a folder',
  remedy = "load('/models/assistant/')",
) => new LamellaError('L408', { option: 'url', range, value: spell(url), remedy });

/**
 * The address of a package in the folder `url`. In Node a path stays a path. L408 if it is not an
 * address.
 */
export function addressOf(url: string | URL): PackageAddress {
  const text = textOf(url);
  if (text === null) throw noAddress(url);
  if (isNode && !/^(https?|file):/i.test(text))
    return { folder: text.replace(/\/?$/, '/'), query: '', moved: {}, id: null };
  const parsed = resolved(text);
  if (parsed === null && !isNode && resolved('/') === null)
    throw noAddress(
      url,
      'an absolute address, because there is no address here to resolve it against',
      "load('https://example.com/models/assistant/')",
    );
  if (parsed === null) throw noAddress(url);
  const { search } = parsed;
  for (const part of ['search', 'hash', 'username', 'password'] as const) parsed[part] = '';
  parsed.pathname = parsed.pathname.replace(/\/?$/, '/');
  // `data:`, `blob:` and `mailto:` URLs have no folders and no path.
  if (!parsed.href.endsWith('/')) throw noAddress(url);
  return { folder: parsed.href, query: search, moved: {}, id: null };
}

/**
 * The text of an address; null if there is none, or if reading it throws. Tested by its members: a
 * URL may be of another realm's class.
 */
function textOf(url: unknown): string | null {
  try {
    const text: unknown = typeof url === 'object' && url !== null ? (url as URL).href : url;
    return typeof text === 'string' && text !== '' ? text : null;
  } catch {
    return null;
  }
}

/**
 * Resolves an address like a page: relative to its `<base href>`, its own address, or that of the
 * page around it. Workers made from blobs have no such address, only an origin. null if it is not
 * an address.
 */
function resolved(url: string): URL | null {
  const bases = isNode ? [undefined] : [globalThis.document?.baseURI ?? location.href, globalThis.origin];
  for (const base of bases) {
    try {
      return new URL(url, base);
    } catch {
      // Not an address, or no base.
    }
  }
  return null;
}

/**
 * The absolute URL of one of these files, if a bundler wrote only a path. null if the bundler left
 * the script without an address of its own.
 */
export function ownUrl(file: string, files: FileUrls): string | null {
  try {
    return whole(files()[file]!);
  } catch {
    return null;
  }
}

function whole(url: string): string {
  const found = resolved(url);
  if (found === null) throw new Error(`${url} is not an address`);
  return found.href;
}

/**
 * The address of the package that this script belongs to. L438 if the script has no address of its
 * own.
 */
export function shippedAddress({ name, id }: Identity, files: FileUrls): PackageAddress {
  let moved: Record<string, string>;
  try {
    moved = Object.fromEntries(Object.entries(files()).map(([file, url]) => [file, whole(url)]));
  } catch (cause) {
    throw new LamellaError('L438', { reason: cause instanceof Error ? cause.message : String(cause) });
  }
  const folder = moved['manifest.json']!.replace(/[^/]*$/, '');
  if (Object.entries(moved).every(([file, url]) => url === `${folder}${file}`))
    return { folder, query: '', moved: {}, id: null };
  // A folder that does not exist, made of the name: the files of two packages in one app lie in the
  // same folder, and their name and id distinguish them.
  const place = folder.startsWith('data:') ? `${location.origin}/` : folder;
  return { folder: `${place}${encodeURIComponent(name)}/`, query: '', moved, id };
}

/** The URL of a file of the package. */
export function urlOf(file: string, { folder, query, moved }: PackageAddress): string {
  return moved[file] ?? `${folder}${file}${query}`;
}

/** Whether the files are read from a server. */
export function isRemote({ folder }: PackageAddress): boolean {
  return !isNode || /^https?:/.test(folder);
}
