/** A package's address, from whatever an app calls it, and the files there. */
import { LamellaError } from '../lamella-error.ts';
import { isNode } from '../node.ts';
import { spell } from '../spell.ts';
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
  /** Tells the package from others that share `folder`, which where files were moved is none of its own; null where it is. */
  readonly id: string | null;
}

/** What a package's own scripts know it by. */
export interface Identity {
  readonly name: string;
  /** Another one whenever what the package computes is: two packages may have one name. */
  readonly id: string;
}

/**
 * URLs by name of the files that came with a script, each written as `new URL('./NAME', import.meta.url).href`, which is what bundlers look
 * for. A function, as it must not be asked before a page calls `load`: servers that render pages import them, too.
 */
export type FileUrls = () => Readonly<Record<string, string>>;

const noAddress = (
  url: unknown,
  range = 'the address or the path of a folder',
  remedy = "load('/models/assistant/')",
) => new LamellaError('L408', { option: 'url', range, value: spell(url), remedy });

/** The address of a package in the folder `url`; a path stays a path where there are paths. L408 for anything that is no address. */
export function addressOf(url: string | URL): PackageAddress {
  const text = textOf(url);
  if (text === null) throw noAddress(url);
  if (isNode && !/^(https?|file):/i.test(text))
    return { folder: text.replace(/\/?$/, '/'), query: '', moved: {}, id: null };
  const parsed = resolved(text);
  if (parsed === null && !isNode && resolved('/') === null)
    throw noAddress(
      url,
      'an absolute address, for here is none that it could be relative to',
      "load('https://example.com/models/assistant/')",
    );
  if (parsed === null) throw noAddress(url);
  const { search } = parsed;
  for (const part of ['search', 'hash', 'username', 'password'] as const) parsed[part] = '';
  parsed.pathname = parsed.pathname.replace(/\/?$/, '/');
  // `data:`, `blob:` and `mailto:` have no folders, and take no path.
  if (!parsed.href.endsWith('/')) throw noAddress(url);
  return { folder: parsed.href, query: search, moved: {}, id: null };
}

/** The text of an address; null where there is none, or where it cannot even be looked at. A URL may come from another realm, whose class is another one. */
function textOf(url: unknown): string | null {
  try {
    const text: unknown = typeof url === 'object' && url !== null ? (url as URL).href : url;
    return typeof text === 'string' && text !== '' ? text : null;
  } catch {
    return null;
  }
}

/**
 * An address as a page takes it: relative to its `<base href>`, its own address or that of the page around it. Workers made of blobs have no such address,
 * only an origin. null where it is none.
 */
function resolved(url: string): URL | null {
  const bases = isNode ? [undefined] : [globalThis.document?.baseURI ?? location.href, globalThis.origin];
  for (const base of bases) {
    try {
      return new URL(url, base);
    } catch {
      // no address, or no base
    }
  }
  return null;
}

/** The URL of one of them, whole where a bundler wrote only a path; null where it left the script without an address of its own. */
export function ownUrl(file: string, files: FileUrls): string | null {
  try {
    return whole(files()[file]!);
  } catch {
    return null;
  }
}

function whole(url: string): string {
  const found = resolved(url);
  if (found === null) throw new Error(`${url} is no address`);
  return found.href;
}

/** The address of the package that came with this script. L438 where the script has no address of its own. */
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
  // A folder that is none: two packages in one app have their files in the same place, and are kept apart by name and id.
  const place = folder.startsWith('data:') ? `${location.origin}/` : folder;
  return { folder: `${place}${encodeURIComponent(name)}/`, query: '', moved, id };
}

/** The URL of a file of the package. */
export function urlOf(file: string, { folder, query, moved }: PackageAddress): string {
  return moved[file] ?? `${folder}${file}${query}`;
}

/** Whether files there are asked of a server. */
export function isRemote({ folder }: PackageAddress): boolean {
  return !isNode || /^https?:/.test(folder);
}

/** The files at an address. L408 for one that names no folder of this machine. */
export async function filesAt(address: PackageAddress): Promise<PackageFiles> {
  const { folder, moved, id } = address;
  const files = isRemote(address)
    ? await webFiles(folder, (file) => urlOf(file, address), id)
    : await nodeFiles(folder, moved).catch(() => {
        throw noAddress(folder);
      });
  return { ...files, read: async (name, ...rest) => inlined(moved[name]) ?? files.read(name, ...rest) };
}

/** The bytes of a small file that a bundler wrote into its URL: not asked of `fetch`, which many a page's security policy refuses to read such. */
function inlined(url: string | undefined): Uint8Array<ArrayBuffer> | null {
  const [, coding, content] = /^data:[^,]*?(;base64)?,(.*)$/s.exec(url ?? '') ?? [];
  if (content === undefined) return null;
  if (!coding) return new TextEncoder().encode(decodeURIComponent(content));
  return Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
}
