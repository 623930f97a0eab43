/**
 * What a model does beside its work waits for its rests: copying a package into the browser's store takes the cores and the memory that the first
 * tokens want.
 */
import type { PackageFiles } from './package-files.ts';

export class Rests {
  /** Whether the model works now. */
  busy = false;
  #waiting: (() => void)[] = [];

  /** Begins work; the function returned ends it. */
  work(): () => void {
    this.busy = true;
    return () => {
      this.busy = false;
      for (const resume of this.#waiting.splice(0)) resume();
    };
  }

  /** Resolves when the model rests, at once if it does. */
  async begun(): Promise<void> {
    while (this.busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** The same files, each kept when the model rests. */
export function keptInRests(files: PackageFiles, rests: Rests): PackageFiles {
  const { store } = files;
  if (!store) return files;
  const put: typeof store.put = async (...file) => {
    await rests.begun();
    await store.put(...file);
  };
  return { ...files, store: { ...store, put } };
}
