/**
 * Where a package's files come from. The driver asks by name and never learns whether a disk, a server or a test answers: `node-files.ts`
 * and `web-files.ts` are the two that packages have.
 */

/** What the manifest is called, in every package. */
export const MANIFEST = 'manifest.json';

export interface PackageFiles {
  /** What messages call the package: its folder or address. */
  readonly place: string;
  /**
   * Reads the whole file `name` of the package; the bytes are the caller's, to let go of as well. Rejects when it cannot: with a `LamellaError`
   * where it knows the cause, else with whatever the system says.
   */
  read(name: string, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Keeps files between visits; absent where nothing can be kept. */
  readonly store?: FileStore;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the file is, where that is known. More than that need not be read to the end. */
  readonly bytes?: number | undefined;
  /** Hears of what has come meanwhile, where files come in pieces. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** From where the file really is, past every cache: what a cache had was another one. */
  readonly afresh?: boolean;
  /** There is something to go on with instead: not worth asking twice or waiting for long. */
  readonly dispensable?: boolean;
}

/** Files kept on the device. A failure to keep one is no failure of the caller's. */
export interface FileStore {
  /** The file kept under `name`, in the version that `version` names; null for none. */
  get(name: string, version?: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Keeps a file that was just read; the bytes must stay until this resolves. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>, version?: string): Promise<void>;
  /** Keeps a file that has no version, with the time: the manifest, and what is made here. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Lets go of every file, or version of one, that is not named, unless another package needs it. */
  keepOnly(files: readonly { readonly name: string; readonly version?: string }[]): Promise<void>;
}
