/** Telling a compiled package from any other folder, and reading what it says about itself. */
import { join } from 'node:path';
import type { Manifest } from '@lamella/runtime/manifest';
import { readManifest } from '@lamella/runtime/manifest-file';
import { nodeFiles } from '@lamella/runtime/node-files';
import { readTextIfThere } from '../files.ts';

/** The manifest of the package at `folder`. Throws L404 when it is none. */
export async function manifestAt(folder: string): Promise<Manifest> {
  return readManifest(await nodeFiles(folder));
}

/** Whether `folder` is a compiled package, of whichever version: only those may be replaced by a compile. */
export async function isPackage(folder: string): Promise<boolean> {
  // a file of this name that nobody could read is somebody else's
  const text = (await readTextIfThere(join(folder, 'manifest.json')).catch(() => null)) ?? '';
  return /"format":\s*"lamella-package\/\d+"/.test(text);
}
