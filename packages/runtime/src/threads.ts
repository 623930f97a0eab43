/**
 * The threads besides the calling one: workers that sit inside the module's `serve` until it is told to stop. Between tokens nothing passes
 * between JavaScript threads; they meet in shared memory.
 */
import { isNode, node } from './node.ts';

/** What a thread is started with. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  /** Shared. */
  readonly memory: WebAssembly.Memory;
  /** 1 and up; 0 is the calling thread. */
  readonly thread: number;
}

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

/** Starts threads 1 to `count` - 1; when the promise resolves all of them serve. Rejects when one cannot be started. */
export async function startThreads(
  count: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Threads> {
  const start = isNode ? await nodeWorker() : webWorker;
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

function webWorker(start: ThreadStart): Worker {
  // Written out in one piece: it is what bundlers look for.
  const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = ({ message }) => reject(new Error(message || 'thread.js cannot be loaded'));
  });
  worker.postMessage(start);
  return { ready, terminate: () => worker.terminate() };
}

async function nodeWorker(): Promise<(start: ThreadStart) => Worker> {
  const { Worker } = await node('worker_threads');
  return (start) => {
    const worker = new Worker(new URL('./thread.js', import.meta.url));
    const ready = new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        // From now on a program that forgets to dispose of its model still ends.
        worker.unref();
        resolve();
      });
      worker.once('error', reject);
    });
    worker.postMessage(start);
    return { ready, terminate: () => void worker.terminate() };
  };
}
