/**
 * Waiting for a GPU. Firefox looks for finished work only every 100 ms, unless something is submitted: so a readback would take 102 ms there
 * however little there is to do, and takes 5 to 9 ms when empty submissions follow each other while it is waited for (measured in Firefox ESR
 * on a driver for the CPU). Other browsers notice by themselves.
 */

/** Resolves or rejects with `done`, which waits for work of `device`. */
export async function nudged(device: GPUDevice, done: Promise<unknown>): Promise<void> {
  const isFirefox = typeof navigator === 'object' && /firefox/i.test(navigator.userAgent ?? '');
  if (!isFirefox) {
    await done;
    return;
  }
  let waiting = true;
  const nudge = () => {
    if (!waiting) return;
    device.queue.submit([]);
    setTimeout(nudge);
  };
  setTimeout(nudge);
  try {
    await done;
  } finally {
    waiting = false;
  }
}
