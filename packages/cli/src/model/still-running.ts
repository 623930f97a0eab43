/**
 * An author's file runs on the thread of the command and may never end, so no timer would fire there: another thread watches, and says so on
 * stderr after some seconds. That is all it does: what becomes of the file does not depend on time.
 */
import { Worker } from 'node:worker_threads';

const silentMs = 5000;

const watch = `
const { workerData: { ended, silentMs, text } } = require('node:worker_threads');
if (Atomics.wait(ended, 0, 0, silentMs) === 'timed-out') require('node:fs').writeSync(2, text);
`;

/** What `run` returns or throws; `file` is what it runs. */
export function watched<T>(file: string, run: () => T): T {
  const ended = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const text = `${file} is still running; Ctrl-C ends it\n`;
  const watcher = new Worker(watch, { eval: true, execArgv: [], env: {}, workerData: { ended, silentMs, text } });
  // neither does the command wait for it, nor does it fail with it
  watcher.on('error', () => {}).unref();
  try {
    return run();
  } finally {
    Atomics.store(ended, 0, 1);
    Atomics.notify(ended, 0);
  }
}
