/**
 * What a model does beside its work waits for its rests: copying a package into the browser's store takes the cores and the memory that the first
 * tokens want.
 */
import type { PackageFiles } from './package-files.ts';

/** Ms without work after which nobody is likely to be in the middle of something. */
const REST_MS = 300;

export class Rests {
  /** Whether the model works now. */
  busy = false;
  /** When work last ended, or the model was made. */
  #since = performance.now();
  #waiting: (() => void)[] = [];

  /** Begins work; the function returned ends it. */
  work(): () => void {
    this.busy = true;
    return () => {
      this.busy = false;
      this.#since = performance.now();
      for (const resume of this.#waiting.splice(0)) resume();
    };
  }

  /** Resolves when the model has rested for a while, at once if it has. */
  async begun(): Promise<void> {
    for (;;) {
      const left = this.#since + REST_MS - performance.now();
      if (this.busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      else if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
      else return;
    }
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
