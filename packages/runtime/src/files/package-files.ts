/**
 * The source of a package's files. A driver reads by name, and does not depend on whether a disk, a
 * server or a test answers. Packages use `node-files.ts` and `web-files.ts`.
 */

/** The name of the manifest in every package. */
export const MANIFEST = 'manifest.json';

export interface PackageFiles {
  /** The folder or address of the package, for messages. */
  readonly place: string;
  /**
   * Reads the whole file `name` of the package. The bytes belong to the caller, who may free them.
   * Rejects with a `LamellaError` if the cause is known, else with the system's error.
   */
  read(name: string, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Stores files between visits; absent if nothing can be stored. */
  readonly store?: FileStore;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** The length of the file, if known. Reading may stop at more than that. */
  readonly bytes?: number | undefined;
  /** Called with the number of bytes in each piece, if files arrive in pieces. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Reads from the server, past every cache, because a cache had another version. */
  readonly afresh?: boolean;
  /** The caller has a substitute: no retries and a short wait. */
  readonly dispensable?: boolean;
}

/** Files stored on the device. A failure to store one is not reported to the caller. */
export interface FileStore {
  /** The stored file `name` in this version; null if there is none. */
  get(name: string, version?: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Stores a file that was just read. The bytes must not change until this resolves. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>, version?: string): Promise<void>;
  /**
   * Stores a file without a version, with the current time: the manifest, and the results of
   * self-tests.
   */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Deletes every other file and version, unless another package needs it. */
  keepOnly(files: readonly { readonly name: string; readonly version?: string }[]): Promise<void>;
}
