/**
 * The script of a page that loads one contender, generates a first token, and reports how long that
 * took.
 */
import type { Asked } from '../contender.ts';
import type { LoadAnswer, LoadOrder } from './load-worker.ts';
import { openOnnx } from './onnx.ts';
import { openWllama } from './wllama.ts';

export type Order =
  | ({ readonly kind: 'lamella' } & LoadOrder)
  | { readonly kind: 'wllama'; readonly args: Parameters<typeof openWllama> }
  | { readonly kind: 'onnx'; readonly args: Parameters<typeof openOnnx> };
export interface PeerAnswer {
  readonly loadMs: number;
}

const { order, answerTo } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as {
  order: Order;
  answerTo: string;
};
const answer = await work(order).then(
  (said) => ({ said }),
  (error: unknown) => ({ failed: String(error) }),
);
await fetch(answerTo, { method: 'POST', body: JSON.stringify(answer) });

async function work(order: Order): Promise<LoadAnswer | PeerAnswer> {
  switch (order.kind) {
    case 'lamella':
      return inWorker(order);
    case 'wllama':
      return began(() => openWllama(...order.args));
    case 'onnx':
      return began(() => openOnnx(...order.args));
  }
}

async function began(open: () => Promise<Asked>): Promise<PeerAnswer> {
  const start = performance.now();
  const contender = await open();
  const loadMs = performance.now() - start;
  await contender.generate([1], 1);
  return { loadMs };
}

function inWorker(order: LoadOrder): Promise<LoadAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker('/load-worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(order);
  });
}
