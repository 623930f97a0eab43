/**
 * The observer in the worker of a page: it observes the GPU there and, on request over a channel,
 * reports its observations since the last request.
 */
import { CHANNEL, observe, QUESTION, type Told } from './observer.ts';

const observed = observe(navigator.gpu);
const channel = new BroadcastChannel(CHANNEL);
channel.onmessage = ({ data }: MessageEvent<unknown>) => {
  if (data !== QUESTION) return;
  const { calls, dispatches, readbacks } = observed;
  channel.postMessage({ calls: [...calls], dispatches, readbacks } satisfies Told);
  dispatches.length = 0;
  readbacks.length = 0;
};
