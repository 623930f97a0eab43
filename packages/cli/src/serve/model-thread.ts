/** The model's thread as the HTTP server sees it: requests go in, parts of answers come out. */
import { Worker } from 'node:worker_threads';
import { errorOf } from './failure.ts';
import type { AskedKind, FromThread, Loaded, Said, ThreadStart, ToThread } from './protocol.ts';
import { threadScript } from './thread.ts';

export interface ModelThread {
  readonly loaded: Loaded;
  /** Rejects when the thread ends by itself. */
  readonly ended: Promise<never>;
  /**
   * Computes a request. `on` receives its answer: `event`s and an `end`, or one whole answer.
   * Returns a function that ends the request.
   */
  ask(kind: AskedKind, body: Uint8Array, on: (said: Said) => void): () => void;
  close(): Promise<void>;
}

export interface Watching {
  onProgress(done: number, total: number): void;
  onNote(note: string): void;
}

/** Starts the thread and loads the model. Rejects with the errors of loading. */
export async function startThread(
  start: Omit<ThreadStart, 'lamellaServe'>,
  { onProgress, onNote }: Watching,
): Promise<ModelThread> {
  const worker = new Worker(threadScript.endsWith('.ts') ? sourceScript() : new URL(threadScript), {
    workerData: { ...start, lamellaServe: true } satisfies ThreadStart,
    // Flags of the program would apply to this script.
    execArgv: [],
  });
  const asked = new Map<number, (said: Said) => void>();
  let lastId = 0;
  let fail = (_: unknown) => {};
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  ended.catch(() => {});
  const loaded = new Promise<Loaded>((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if ('id' in message) {
        const on = asked.get(message.id);
        if (!('event' in message)) asked.delete(message.id);
        on?.(message);
      } else if ('loaded' in message) resolve(message.loaded);
      else if ('failed' in message) reject(errorOf(message.failed));
      else if ('fallback' in message) onNote(message.fallback);
      else onProgress(...message.progress);
    });
    worker.once('error', fail);
    worker.once('exit', () => fail(new Error("the model's thread has ended")));
    ended.catch(reject);
  });
  const said = await loaded.catch(async (cause: unknown) => {
    await worker.terminate();
    throw cause;
  });
  const send = (message: ToThread) => worker.postMessage(message);
  return {
    loaded: said,
    ended,
    ask(kind, body, on) {
      const id = ++lastId;
      asked.set(id, on);
      send({ id, kind, body });
      return () => {
        if (asked.delete(id)) send({ abort: id });
      };
    },
    close: async () => void (await worker.terminate()),
  };
}

/** In a checkout, the script for the thread: TypeScript has to be registered in each thread. */
function sourceScript(): URL {
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const script = `import { register } from ${tsx}; register(); await import(${JSON.stringify(threadScript)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}
