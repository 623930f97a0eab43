/**
 * The thread of the model: it loads the package and answers requests one after the other. The HTTP
 * server is in the main thread, which therefore answers at once while the model computes.
 */
import { join, resolve, sep } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Model } from '@lamella/runtime/api';
import { chatAnswers, completionAnswers, type Kind, type Part, shown } from '@lamella/runtime/faces/openai/answers';
import { APIError, asApiError } from '@lamella/runtime/faces/openai/api-error';
import type { Common } from '@lamella/runtime/faces/openai/request';
import type { Usage } from '@lamella/runtime/faces/openai/types';
import { Queue } from '@lamella/runtime/queue';
import { openPackage } from '../package/open-package.ts';
import { textOf } from './conversation-text.ts';
import { failureOf } from './failure.ts';
import type { FromThread, Said, ThreadStart, ToThread } from './protocol.ts';
import { Sessions } from './sessions.ts';

/** The address of this script. */
export const threadScript = import.meta.url;

const isStart = (data: unknown): data is ThreadStart => Object(data).lamellaServe === true;

/** Loads the package, then answers what `onMessage` delivers. */
async function serveFrom(
  { folder, device, threads, sessions }: ThreadStart,
  send: (message: FromThread) => void,
  onMessage: (receive: (message: ToThread) => void) => void,
): Promise<void> {
  const model = await openPackage(folder, {
    device,
    threads,
    sessions,
    onProgress: (done, total) => send({ progress: [done, total] }),
    onFallback: ({ tried, reason, running }) =>
      send({ fallback: `${tried} cannot be used: ${reason}; ${running.device} computes` }),
  });
  const { manifest, running } = model;
  const answering = new Answering(model, await Sessions.open(model, sessions), join(resolve(folder), sep));
  onMessage((message) => {
    if ('abort' in message) answering.abort(message.abort);
    else void answering.answer(message, (said) => send({ id: message.id, ...said }));
  });
  const where = running.threads === 1 ? running.device : `${running.device}, ${running.threads} threads`;
  const { name, context, memory } = manifest;
  send({ loaded: { name, context, plannedBytes: memory.plannedBytes, running: where } });
}

/** The requests that wait or are computed. */
class Answering {
  readonly #model: Model;
  readonly #sessions: Sessions;
  /** The folder of the package, as messages have it. */
  readonly #place: string;
  readonly #queue = new Queue();
  readonly #aborts = new Map<number, AbortController>();

  constructor(model: Model, sessions: Sessions, place: string) {
    this.#model = model;
    this.#sessions = sessions;
    this.#place = place;
  }

  abort(id: number): void {
    this.#aborts.get(id)?.abort(new APIError(499, 'the client has left'));
  }

  async answer({ id, kind, body }: Exclude<ToThread, { abort: number }>, say: (said: Said) => void): Promise<void> {
    const control = new AbortController();
    this.#aborts.set(id, control);
    try {
      const json = parsed(body);
      if (kind === 'chat') await this.#compute(chatAnswers, json, control.signal, say);
      else await this.#compute(completionAnswers, json, control.signal, say);
    } catch (cause) {
      const { status, error } = asApiError(control.signal.aborted ? control.signal.reason : cause);
      // A client sees the model's name, not where its files are.
      const message = error.message.replaceAll(this.#place, this.#model.manifest.name);
      say({ status, json: JSON.stringify({ error: { ...error, message } }), usage: null });
    } finally {
      this.#aborts.delete(id);
    }
  }

  async #compute<Request extends Common, P extends Part, Whole>(
    { read, parts, whole }: Kind<Request, P, Whole>,
    body: unknown,
    signal: AbortSignal,
    say: (said: Said) => void,
  ): Promise<void> {
    const request = read(body);
    const turn = await this.#queue.enter(signal);
    signal.throwIfAborted();
    try {
      const { manifest, tokenizer } = this.#model;
      const generates = await this.#sessions.choose(textOf(request));
      const served = {
        manifest,
        tokenizer,
        generate: generates.generate.bind(generates),
        logitsAll: this.#model.logitsAll,
      };
      let usage: Usage | null = null;
      const counted = watched(parts(served, request, signal), (part) => {
        usage = part.usage ?? usage;
      });
      if (request.stream) {
        for await (const part of shown(counted, request)) say({ event: JSON.stringify(part) });
        say({ end: true, usage });
      } else {
        const json = JSON.stringify(await whole(counted));
        say({ status: 200, json, usage });
      }
    } finally {
      turn?.leave();
    }
  }
}

async function* watched<P>(parts: AsyncIterable<P>, watch: (part: P) => void): AsyncGenerator<P, void, undefined> {
  for await (const part of parts) {
    watch(part);
    yield part;
  }
}

/** The value of a body. A 400 unless it is JSON in UTF-8. */
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'it is not UTF-8';
    throw new APIError(400, `the body is not JSON: ${reason}`, { code: 'invalid_json' });
  }
}

// After the classes, which the thread uses at once.
if (parentPort && isStart(workerData)) {
  const port = parentPort;
  const send = (message: FromThread) => port.postMessage(message);
  await serveFrom(workerData, send, (receive) => port.on('message', receive)).catch((cause: unknown) =>
    send({ failed: failureOf(cause) }),
  );
}
