/**
 * Where a package's files come from. The driver asks by name and never learns whether a disk, a server or a test answers, so that the
 * one module with file access (`node-files.ts`) can have a fetching one beside it.
 */

export interface PackageFiles {
  /** What messages call the package: its folder or address. */
  readonly place: string;
  /** Reads the whole file `name` of the package. Rejects, for whatever reason, when it cannot. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}
