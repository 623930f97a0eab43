/** A thread of a run, as a script of its own. */
import { serveThread } from '@lamella/runtime/thread';

self.onmessage = ({ data }) => serveThread(data, (said) => postMessage(said)).then(close);
