import { answers } from './app.js';

globalThis.answers = answers(globalThis.folders);

/** A package in a worker that is the app's own. */
globalThis.inOwnWorker = () =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./own-worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
