/**
 * The worker of a page, as a file of its own (`worker.js`): it holds the model and answers `page.ts`. The same script is every thread besides: one
 * file to find and to start, whatever a bundler did with it, and each thread comes from where the first worker came from.
 */

import type { Parts } from '../entry/parts.ts';
import type { Fallback, Model, Piece, Tokenizer } from '../face.ts';
import { filesAt } from '../files/folder.ts';
import { LamellaError } from '../lamella-error.ts';
import { load } from '../model/model.ts';
import { isNode } from '../node.ts';
import { serveNodeThread, serveThread, type ThreadStart } from '../wasm/thread.ts';
import { HELLO } from './start-worker.ts';
import type { Answer, Calls, Failure, News, Request } from './worker-protocol.ts';

/**
 * The page hears of tokens as often as a display shows them, of the first at once. Each message wakes its thread, and on two cores whoever is woken takes
 * the place of one that computes: a message for each token cost a seventh of the speed of two threads.
 */
const FRAME_MS = 16;
/** Most steps that are told and not yet read: a second's worth. Beyond, the generation waits for its reader, and others need not wait for it. */
const STEPS_AHEAD = 60;

/** The page's side of a generation. */
interface Reader {
  readonly control: AbortController;
  /** Steps that have been read. */
  read: number;
  /** Called when there is news of it. */
  wake(): void;
}

let parts: Parts;
let model: Model | null = null;
const readers = new Map<number, Reader>();
const say = (answer: Answer) => postMessage(answer);

const loaded = (): Model => {
  if (!model) throw new LamellaError('L411');
  return model;
};
const tokenizer = (): Tokenizer => {
  const { tokenizer } = loaded();
  if (!tokenizer) throw new Error('the page asks for a tokenizer that the package does not have');
  return tokenizer;
};

type Handlers = { readonly [C in keyof Calls]: (id: number, ...args: Calls[C][0]) => Promise<Calls[C][1]> };

const handlers: Handlers = {
  async load(id, address, options) {
    const onProgress = (...progress: [number, number]) => say({ id, progress });
    const onFallback = (fallback: Fallback) => say({ fallback });
    const around = { ...parts, workerScript: location.href };
    model = await load(await filesAt(address), around, { ...options, onProgress, onFallback });
    return { manifest: model.manifest, running: model.running };
  },
  async generate(id, { prompt, options }) {
    const reader: Reader = { control: new AbortController(), read: 0, wake: () => {} };
    const { signal } = reader.control;
    readers.set(id, reader);
    try {
      const generation = loaded().generate(prompt, { ...options, signal });
      let pieces: Piece[] = [];
      let steps = 0;
      let told = Number.NEGATIVE_INFINITY;
      const tell = () => {
        const { promptTokens, finishReason, stats } = generation;
        say({ id, step: { pieces, promptTokens, finishReason, stats } });
        pieces = [];
        steps++;
        told = performance.now();
      };
      for await (const piece of generation) {
        pieces.push(piece);
        if (performance.now() - told >= FRAME_MS) tell();
        while (steps - reader.read >= STEPS_AHEAD && !signal.aborted)
          await new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
      }
      tell();
      return null;
    } finally {
      readers.delete(id);
    }
  },
  logits: (_, tokens) => loaded().logits(tokens),
  logitsAll: (_, tokens) => loaded().logitsAll(tokens),
  encode: (_, text) => tokenizer().encode(text),
  encodePrompt: (_, text) => tokenizer().encodePrompt(text),
  decode: (_, ids) => tokenizer().decode(ids),
};

/** Makes this script a worker: one that has these parts of the runtime, or a thread. */
export function serve(own: Parts): void {
  if (isNode) {
    serveNodeThread();
    return;
  }
  parts = own;
  self.onmessage = ({ data }: MessageEvent<Request | ThreadStart>) =>
    'thread' in data ? serveThread(data, (said) => postMessage(said)).then(close) : answer(data);
  postMessage(HELLO);
}

async function answer(data: Request): Promise<void> {
  if (data.call === 'abort' || data.call === 'read') return hear(data);
  const { id, call, args } = data;
  try {
    // A request's arguments are those of its own call; that the two belong together is lost when both are read from a union.
    const handle = handlers[call] as (id: number, ...args: readonly unknown[]) => Promise<unknown>;
    say({ id, value: await handle(id, ...args) });
  } catch (error) {
    say({ id, failure: failureOf(error) });
  }
}

/** News of the reader of a generation; it may have ended meanwhile. */
function hear(news: News): void {
  const reader = readers.get(news.id);
  if (!reader) return;
  if (news.call === 'abort') reader.control.abort();
  else reader.read = news.steps;
  reader.wake();
}

function failureOf(error: unknown): Failure {
  if (error instanceof LamellaError) return { code: error.code, args: error.args, place: error.place };
  return { message: error instanceof Error ? error.message : String(error) };
}
