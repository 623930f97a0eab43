/** The package that is being made: at most one at a time, in its own worker. */
import { signal } from '@preact/signals';
import { download } from '../document/file.ts';
import { currentVersion } from '../version.ts';
import type { DownloadSaid } from './protocol.ts';

/** Its progress; null while none is being made. */
export const making = signal<Omit<Extract<DownloadSaid, { kind: 'step' }>, 'kind'> | null>(null);

let end = () => {};

/**
 * Makes the package of the version in the editor, with the weights `random:1`, and downloads it as
 * a zip. Returns its name and size, or null if it was stopped. Rejects with the compiler's errors,
 * and L304 for a model that is too large.
 */
export async function downloadPackage(): Promise<{ readonly name: string; readonly bytes: number } | null> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  making.value = { step: 'compiling', done: 0, of: 0 };
  try {
    return await new Promise((resolve, reject) => {
      end = () => resolve(null);
      worker.onmessage = ({ data }: MessageEvent<DownloadSaid>) => {
        if (data.kind === 'step') making.value = data;
        else if (data.kind === 'failure') reject(new Error(data.message));
        else resolve({ name: download(`${data.folder}.zip`, data.zip), bytes: data.zip.size });
      };
      worker.onerror = ({ message }) => reject(new Error(message || 'the worker that makes the package failed'));
      worker.postMessage(currentVersion());
    });
  } finally {
    worker.terminate();
    making.value = null;
  }
}

/** Ends the work on the package. */
export function stopDownload(): void {
  end();
}
