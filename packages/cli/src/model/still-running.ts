/**
 * An author's file runs on the command's thread and may never end, so a timer on that thread would
 * not fire. Another thread watches and prints a line on stderr after some seconds. It does nothing
 * else: results do not depend on time.
 */
import { Worker } from 'node:worker_threads';

const silentMs = 5000;
let announcing = false;

/** From now on a line is printed. Only the command does this: a program's stderr is its own. */
export function announceSlowFiles(): void {
  announcing = true;
}

const watch = `
const { workerData: { ended, silentMs, text } } = require('node:worker_threads');
if (Atomics.wait(ended, 0, 0, silentMs) === 'timed-out') require('node:fs').writeSync(2, text);
`;

/** The result of `run`; `file` is the name of the running file. */
export function watched<T>(file: string, run: () => T): T {
  if (!announcing) return run();
  const ended = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const text = `${file} is still running; Ctrl-C ends it\n`;
  const watcher = new Worker(watch, { eval: true, execArgv: [], env: {}, workerData: { ended, silentMs, text } });
  // The command does not wait for the watcher, and does not fail with it.
  watcher.on('error', () => {}).unref();
  try {
    return run();
  } finally {
    Atomics.store(ended, 0, 1);
    Atomics.notify(ended, 0);
  }
}
