/**
 * A thread that computes, as a file of its own (`thread.js` beside a package's `index.js`): it makes an instance of the same module over the
 * same memory, says so, and serves. Waiting for work, spinning and sleeping, is the module's own business.
 */
import { isNode, node } from './node.ts';
import type { ThreadStart } from './threads.ts';

async function serve({ module, memory, thread }: ThreadStart, ready: () => void): Promise<void> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  ready();
  (exports.serve as (thread: number) => void)(thread);
}

if (isNode) {
  const { parentPort } = await node('worker_threads');
  parentPort!.once('message', (start: ThreadStart) => serve(start, () => parentPort!.postMessage('ready')));
} else {
  self.onmessage = async ({ data }: MessageEvent<ThreadStart>) => {
    await serve(data, () => postMessage('ready'));
    close();
  };
}
