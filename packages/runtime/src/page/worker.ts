/**
 * The worker of a page, in its own file (`worker.js`): it holds the model and answers `page.ts`.
 * Threads run the same script, so there is only one file to find after bundling, and every thread
 * starts from the URL of the first worker.
 */

import type { Fallback, Piece } from '../api.ts';
import type { Parts } from '../entry/parts.ts';
import { servedFilesAt } from '../files/files-at.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Core } from '../model/core.ts';
import { loadCore } from '../model/model.ts';
import { isNode } from '../node.ts';
import { serveNodeThread, serveThread, type ThreadStart } from '../wasm/thread.ts';
import type { importConstraints } from './import-constraints.ts';
import { HELLO } from './start-worker.ts';
import type { Answer, Calls, Failure, News, Request } from './worker-protocol.ts';

/**
 * The page receives the first token at once, and later ones once per display frame. Each message
 * wakes the page's thread, which on two cores takes the place of a computing thread: one message
 * per token cost a seventh of the speed of two threads.
 */
const FRAME_MS = 16;
/**
 * The largest number of steps sent but not yet read: one second's worth. After that the generation
 * waits for its reader, and other calls can run.
 */
const STEPS_AHEAD = 60;

/** The reader of a generation, in the page. */
interface Reader {
  readonly control: AbortController;
  /** Number of steps read. */
  read: number;
  /** Called after a message about this generation. */
  wake(): void;
}

/** The parts of a worker's script; `importConstraints` comes with a tokenizer. */
interface WorkerParts extends Omit<Parts, 'loadConstraints' | 'checkManifest'> {
  readonly importConstraints?: typeof importConstraints;
}

let parts: WorkerParts;
let model: Core | null = null;
const readers = new Map<number, Reader>();
const say = (answer: Answer) => postMessage(answer);

const loaded = (): Core => {
  if (!model) throw new LamellaError('L411');
  return model;
};
/** A page has no tokenizer to call if the package has none. */
const tokenizer = () => loaded().tokenizer!;

type Handlers = { readonly [C in keyof Calls]: (id: number, ...args: Calls[C][0]) => Promise<Calls[C][1]> };

const handlers: Handlers = {
  async load(id, address, options, constraintScripts) {
    const onProgress = (...progress: [number, number]) => say({ id, progress });
    const onFallback = (fallback: Fallback) => say({ fallback });
    const loadConstraints = () => parts.importConstraints!(constraintScripts);
    const around = { ...parts, workerScript: location.href, loadConstraints };
    model = await loadCore(await servedFilesAt(address), around, { ...options, onProgress, onFallback });
    return { manifest: model.manifest, running: model.running };
  },
  async generate(id, sequence, { prompt, options }) {
    const reader: Reader = { control: new AbortController(), read: 0, wake: () => {} };
    const { signal } = reader.control;
    readers.set(id, reader);
    try {
      const generation = loaded().sequences.generate(sequence, { prompt, options });
      let pieces: Piece[] = [];
      let steps = 0;
      let told = Number.NEGATIVE_INFINITY;
      const tell = () => {
        const { promptTokens, finishReason, toolCalls, stats } = generation;
        say({ id, step: { pieces, promptTokens, finishReason, toolCalls, stats } });
        pieces = [];
        steps++;
        told = performance.now();
      };
      for await (const piece of generation.pieces(signal)) {
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
  open: () => loaded().sequences.open(),
  copy: (_, of) => loaded().sequences.copy(of),
  read: (_, sequence, tokens) => loaded().sequences.read(sequence, tokens),
  save: (_, sequence, tokens) => loaded().sequences.save(sequence, tokens),
  restore: (_, sequence, bytes) => loaded().sequences.restore(sequence, bytes),
  count: (_, prompt, options) => loaded().count(prompt, options),
  logits: (_, tokens) => loaded().logits(tokens),
  logitsAll: (_, tokens, from) => loaded().logitsAll(tokens, from),
  encode: (_, text) => tokenizer().encode(text),
  encodePrompt: (_, text) => tokenizer().encodePrompt(text),
  decode: (_, ids) => tokenizer().decode(ids),
};

/** Runs this script: as a page's worker with these parts of the runtime, or as a thread. */
export function serve(own: WorkerParts): void {
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
  if (data.call === 'close') return loaded().sequences.close(data.id);
  if (data.call === 'abort' || data.call === 'more') return receive(data);
  const { id, call, args } = data;
  try {
    // TypeScript loses the relation between a request's name and its arguments when both are read
    // from a union.
    const handle = handlers[call] as (id: number, ...args: readonly unknown[]) => Promise<unknown>;
    say({ id, value: await handle(id, ...args) });
  } catch (error) {
    say({ id, failure: failureOf(error) });
  }
}

/** A message about a generation, which may have ended meanwhile. */
function receive(news: Exclude<News, { call: 'close' }>): void {
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
