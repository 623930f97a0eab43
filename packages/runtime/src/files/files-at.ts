/** Opens the files at a package's address. Only the script that computes reads them. */
import { isRemote, noAddress, type PackageAddress, urlOf } from './folder.ts';
import { nodeFiles } from './node-files.ts';
import type { PackageFiles } from './package-files.ts';
import { webFiles } from './web-files.ts';

/** The files at an address, read from a server: a page's worker has no others. */
export async function servedFilesAt(address: PackageAddress): Promise<PackageFiles> {
  const { folder, moved, id } = address;
  return withInlined(await webFiles(folder, (file) => urlOf(file, address), id), moved);
}

/** The files at an address. L408 if a local address is not a folder. */
export async function filesAt(address: PackageAddress): Promise<PackageFiles> {
  if (isRemote(address)) return servedFilesAt(address);
  const { folder, moved } = address;
  const files = await nodeFiles(folder, moved).catch(() => {
    throw noAddress(folder);
  });
  return withInlined(files, moved);
}

function withInlined(files: PackageFiles, moved: PackageAddress['moved']): PackageFiles {
  return { ...files, read: async (name, ...rest) => inlined(moved[name]) ?? files.read(name, ...rest) };
}

/**
 * The bytes of a small file that a bundler inlined into its URL. Decoded here because many security
 * policies forbid `fetch` on `data:` URLs.
 */
function inlined(url: string | undefined): Uint8Array<ArrayBuffer> | null {
  const [, coding, content] = /^data:[^,]*?(;base64)?,(.*)$/s.exec(url ?? '') ?? [];
  if (content === undefined) return null;
  if (!coding) return new TextEncoder().encode(decodeURIComponent(content));
  return Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
}
