/**
 * Waits for a GPU. Firefox looks for finished work only every 100 ms, unless something is
 * submitted: a readback then takes 102 ms for any amount of work, and 5 to 9 ms if empty
 * submissions follow each other meanwhile (measured in Firefox ESR on a driver for the CPU). Other
 * browsers need no submissions.
 */

/** Settles like `done`, a promise for work of `device`. */
export async function waitForGpu(device: GPUDevice, done: Promise<unknown>): Promise<void> {
  const isFirefox = typeof navigator === 'object' && /firefox/i.test(navigator.userAgent ?? '');
  if (!isFirefox) {
    await done;
    return;
  }
  let waiting = true;
  const submitNothing = () => {
    if (!waiting) return;
    device.queue.submit([]);
    setTimeout(submitNothing);
  };
  setTimeout(submitNothing);
  try {
    await done;
  } finally {
    waiting = false;
  }
}
