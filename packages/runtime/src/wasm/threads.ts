/**
 * The threads besides the calling one: workers that run the module's `serve` until it stops.
 * Between tokens they communicate only through shared memory. They receive that memory only after
 * all of them have started: if one fails to start, none has touched it.
 */
import { isNode, node } from '../node.ts';
import { type Forbidden, HELLO, newWorker, PATIENCE_MS } from '../page/start-worker.ts';
import type { ThreadSaid, ThreadStart } from './thread.ts';

/** Messages of a worker: its script runs; it serves; or why it cannot. */
type Said = typeof HELLO | ThreadSaid | Forbidden;

/** The members used of a worker, in a browser or in Node. */
interface Worker {
  /** Resolves when its script runs. */
  readonly here: Promise<void>;
  /** Sends it its work and resolves when it serves. */
  serve(start: ThreadStart): Promise<void>;
  terminate(): void;
}

export interface Threads {
  /** Makes all of them serve. If one cannot, ends all of them and rejects. */
  serve(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<void>;
  terminate(): void;
}

/**
 * Whether memory can be shared with workers here. Browsers allow it only in cross-origin isolated
 * pages.
 */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && (isNode || globalThis.crossOriginIsolated === true);
}

/** Threads that can run at the same time: the number of cores. */
export async function cores(): Promise<number> {
  return isNode ? (await node('os')).availableParallelism() : navigator.hardwareConcurrency;
}

/**
 * Starts threads 1 to `count` - 1 from the URL of `worker.js`, and resolves when all of them wait
 * for work. Rejects if one cannot be started, or sends no message in `patienceMs`.
 */
export async function gatherThreads(script: string, count: number, patienceMs = PATIENCE_MS): Promise<Threads> {
  if (script === '') throw new Error('worker.js is not beside this script');
  const create = isNode ? await nodeWorker(script) : () => webWorker(script);
  const workers: Worker[] = [];
  const terminate = () => {
    for (const worker of workers) worker.terminate();
  };
  const orEnd = <T>(work: Promise<T>) =>
    work.catch((cause: unknown) => {
      terminate();
      throw cause;
    });
  const start = async () => {
    for (let thread = 1; thread < count; thread++) workers.push(create());
    await Promise.all(workers.map(({ here }) => here));
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const cause = new Error(`no message from ${script} in ${patienceMs / 1000} seconds`);
    timer = setTimeout(() => reject(cause), patienceMs);
  });
  await orEnd(Promise.race([start(), late])).finally(() => clearTimeout(timer));
  return {
    serve: async (module, memory) => {
      await orEnd(Promise.all(workers.map((worker, i) => worker.serve({ module, memory, thread: i + 1 }))));
    },
    terminate,
  };
}

function webWorker(script: string): Worker {
  const worker = newWorker(script);
  const next = () =>
    new Promise<Said>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message || `${script} cannot be loaded`));
    });
  return {
    here: next().then(expectHello),
    serve(start) {
      const said = next();
      worker.postMessage(start);
      return said.then(expectServing);
    },
    terminate: () => worker.terminate(),
  };
}

async function nodeWorker(script: string): Promise<() => Worker> {
  const { Worker } = await node('worker_threads');
  return () => {
    // Without the program's own flags: `--input-type` would apply to this script.
    const worker = new Worker(new URL(script), { execArgv: [] });
    const next = () =>
      new Promise<Said>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.once('exit', () => reject(new Error(`${script} ended`)));
      });
    return {
      here: next().then(expectHello),
      async serve(start) {
        const said = next();
        worker.postMessage(start);
        expectServing(await said);
        // From here on, a program that does not dispose of its model can still exit.
        worker.unref();
      },
      terminate: () => void worker.terminate(),
    };
  };
}

function expectHello(said: Said): void {
  if (said === HELLO) return;
  const { forbidden } = Object(said) as Partial<Forbidden>;
  throw new Error(
    forbidden ? `a policy forbids its script (${forbidden})` : 'worker.js is not the script of this package',
  );
}

function expectServing(said: Said): void {
  const { failed } = Object(said) as { readonly failed?: string };
  if (failed !== undefined) throw new Error(failed);
}
