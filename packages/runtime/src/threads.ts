/**
 * The threads besides the calling one: workers that sit inside the module's `serve` until it is told to stop. Between tokens nothing passes
 * between JavaScript threads; they meet in shared memory.
 */
import { isNode, node } from './node.ts';
import { newWorker } from './start-worker.ts';
import type { ThreadSaid, ThreadStart } from './thread.ts';

/** A worker of a browser or of Node, as far as it is needed. */
interface Worker {
  readonly ready: Promise<void>;
  terminate(): void;
}

export interface Threads {
  terminate(): void;
}

/** Whether memory can be shared with workers here. Browsers share it only in pages that are cross-origin isolated. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && (isNode || globalThis.crossOriginIsolated === true);
}

/** Threads that can run at the same time, by the machine's cores. */
export async function cores(): Promise<number> {
  return isNode ? (await node('os')).availableParallelism() : navigator.hardwareConcurrency;
}

/**
 * Starts threads 1 to `count` - 1 from the URL of the script `worker.js`; when the promise resolves all of them serve. Rejects when one cannot be
 * started.
 */
export async function startThreads(
  script: string,
  count: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Threads> {
  const start = isNode ? await nodeWorker(script) : webWorker(script);
  const workers: Worker[] = [];
  const terminate = () => {
    for (const worker of workers) worker.terminate();
  };
  try {
    for (let thread = 1; thread < count; thread++) workers.push(start({ module, memory, thread }));
    await Promise.all(workers.map(({ ready }) => ready));
  } catch (cause) {
    terminate();
    throw cause;
  }
  return { terminate };
}

function webWorker(script: string): (start: ThreadStart) => Worker {
  return (start) => {
    const worker = newWorker(script);
    const ready = new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }) => hear(data, resolve, reject);
      worker.onerror = ({ message }) => reject(new Error(message || `${script} cannot be loaded`));
    });
    worker.postMessage(start);
    return { ready, terminate: () => worker.terminate() };
  };
}

async function nodeWorker(script: string): Promise<(start: ThreadStart) => Worker> {
  const { Worker } = await node('worker_threads');
  return (start) => {
    // None of the program's own flags: `--input-type` would be about this script.
    const worker = new Worker(new URL(script), { execArgv: [] });
    const ready = new Promise<void>((resolve, reject) => {
      worker.once('message', (said: ThreadSaid) => {
        // From now on a program that forgets to dispose of its model still ends.
        worker.unref();
        hear(said, resolve, reject);
      });
      worker.once('error', reject);
    });
    worker.postMessage(start);
    return { ready, terminate: () => void worker.terminate() };
  };
}

/** Other things that a script says are not for whoever waits for a thread. */
function hear(said: ThreadSaid | string, resolve: () => void, reject: (cause: Error) => void): void {
  if (typeof said === 'string') return;
  if ('serving' in said) resolve();
  else reject(new Error(said.failed));
}
