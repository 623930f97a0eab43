/** Recognises a compiled package and reads its manifest. */
import { join } from 'node:path';
import { checkManifest } from '@lamella/runtime/check-manifest';
import type { Manifest } from '@lamella/runtime/manifest';
import { readManifest } from '@lamella/runtime/manifest-file';
import { nodeFiles } from '@lamella/runtime/node-files';
import { readTextIfThere } from '../files.ts';

/** The manifest of the package at `folder`. Throws L404 if it is not a package. */
export async function manifestAt(folder: string): Promise<Manifest> {
  return readManifest(await nodeFiles(folder), checkManifest);
}

/** Whether `folder` is a compiled package of any version. A compile may replace only those. */
export async function isPackage(folder: string): Promise<boolean> {
  // A manifest.json that cannot be read is not treated as a package's.
  const text = (await readTextIfThere(join(folder, 'manifest.json')).catch(() => null)) ?? '';
  return /"format":\s*"lamella-package\/\d+"/.test(text);
}
