/**
 * A computing thread: it instantiates the same module over the same memory, reports that, and
 * serves. The module itself waits for work, by spinning and sleeping. Threads run the same script
 * as the page's worker, `worker.js`; their first message makes them threads.
 */
import { node } from '../node.ts';
import { HELLO } from '../page/start-worker.ts';

/** The first message of a thread. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  /** Shared. */
  readonly memory: WebAssembly.Memory;
  /** 1 and up; 0 is the calling thread. */
  readonly thread: number;
}

/** The answer of a thread: it serves, or why it cannot. */
export type ThreadSaid = { readonly serving: true } | { readonly failed: string };

/** Serves until the module's `stop` is called. */
export async function serveThread({ module, memory, thread }: ThreadStart, say: (said: ThreadSaid) => void) {
  try {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    say({ serving: true });
    (exports.serve as (thread: number) => void)(thread);
  } catch (cause) {
    say({ failed: String(cause) });
  }
}

/** Sends the hello. The first message then makes this worker a thread. */
export async function serveNodeThread(): Promise<void> {
  const { parentPort } = await node('worker_threads');
  parentPort!.once('message', (start: ThreadStart) => serveThread(start, (said) => parentPort!.postMessage(said)));
  parentPort!.postMessage(HELLO);
}
