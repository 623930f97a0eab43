/**
 * The page's end of the compiler's worker. One version is compiled at a time, and the newest one next. An author's loop may have no end: code
 * that is still running after some seconds is ended with its worker, and a new one takes its place.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { faultOf } from './fault.ts';
import type { Edit, Fault, Picture, Said } from './protocol.ts';

/** Most milliseconds for the author's own code, which takes some tens. */
const AUTHOR = 3000;
/** Most for the compiler behind it, on a slow device and for a model of a thousand layers. */
const COMPILER = 60_000;

export interface Listener {
  picture(edit: Edit, picture: Picture): void;
  fault(edit: Edit, fault: Fault): void;
}

export class CompilerLink {
  readonly #listener: Listener;
  #worker: Worker;
  #ready = false;
  #current: Edit | null = null;
  #next: Edit | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
    this.#worker = this.#start();
  }

  /** Compiles this version as soon as the one before is through; versions in between are passed over. */
  send(edit: Edit): void {
    this.#next = edit;
    this.#go();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Said>) => this.#receive(data);
    worker.onerror = ({ message }) => {
      const edit = this.#current ?? this.#next;
      this.#current = null;
      if (edit) this.#listener.fault(edit, faultOf(new Error(message || 'its worker cannot be loaded')));
    };
    this.#ready = false;
    return worker;
  }

  #go(): void {
    if (!this.#ready || this.#current || !this.#next) return;
    this.#current = this.#next;
    this.#next = null;
    this.#worker.postMessage(this.#current);
  }

  #receive(said: Said): void {
    if (said.kind === 'ready') {
      this.#ready = true;
      this.#go();
      return;
    }
    const edit = this.#current;
    if (said.id !== edit?.id) return;
    clearTimeout(this.#timer);
    if (said.kind === 'running')
      this.#endAfter(AUTHOR, edit, 'it was still running after 3 s and was ended', 'a loop that has an end');
    else if (said.kind === 'traced')
      this.#endAfter(COMPILER, edit, 'the compiler was busy with it for a minute and was ended', 'a smaller model');
    else {
      this.#current = null;
      if ('picture' in said) this.#listener.picture(edit, said.picture);
      else this.#listener.fault(edit, said.fault);
      this.#go();
    }
  }

  #endAfter(milliseconds: number, { file }: Edit, reason: string, remedy: string): void {
    this.#timer = setTimeout(() => this.#restart(new LamellaError('L113', { file, reason, remedy })), milliseconds);
  }

  /** Ends the worker with whatever it does. */
  #restart(why: Error): void {
    this.#worker.terminate();
    this.#worker = this.#start();
    const edit = this.#current;
    this.#current = null;
    if (edit) this.#listener.fault(edit, faultOf(why));
  }
}
