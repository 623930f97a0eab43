/** The script of a run's threads. */
import { serveThread } from '@lamella/runtime/thread';

self.onmessage = ({ data }) => serveThread(data, (said) => postMessage(said)).then(close);
