/**
 * A thread that computes: it makes an instance of the same module over the same memory, says so, and serves. Waiting for work, spinning and
 * sleeping, is the module's own business. Threads run the script `worker.js`, too: what they are is told by their first message.
 */
import { node } from '../node.ts';
import { HELLO } from '../page/start-worker.ts';

/** What a thread is started with. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  /** Shared. */
  readonly memory: WebAssembly.Memory;
  /** 1 and up; 0 is the calling thread. */
  readonly thread: number;
}

/** What a thread says when it serves, or the reason why it cannot. */
export type ThreadSaid = { readonly serving: true } | { readonly failed: string };

/** Serves until the module is told to stop. */
export async function serveThread({ module, memory, thread }: ThreadStart, say: (said: ThreadSaid) => void) {
  try {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    say({ serving: true });
    (exports.serve as (thread: number) => void)(thread);
  } catch (cause) {
    say({ failed: String(cause) });
  }
}

/** Says that it is here, and is a thread of Node's from its first message on. */
export async function serveNodeThread(): Promise<void> {
  const { parentPort } = await node('worker_threads');
  parentPort!.once('message', (start: ThreadStart) => serveThread(start, (said) => parentPort!.postMessage(said)));
  parentPort!.postMessage(HELLO);
}
