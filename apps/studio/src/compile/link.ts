/**
 * The page's side of the compiler's worker. One version is compiled at a time, and then the newest
 * one. An author's loop may never end: a worker whose author code still runs after some seconds is
 * terminated and replaced.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { faultOf } from './fault.ts';
import type { Edit, Fault, Picture, Said } from './protocol.ts';

/** The most milliseconds for the author's code, which normally takes some tens. */
const AUTHOR = 3000;
/**
 * The most milliseconds for the compiler, on a slow device and for a model of a thousand layers.
 */
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

  /**
   * Compiles this version as soon as the current compilation has ended; versions in between are
   * skipped.
   */
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
      if (edit) this.#listener.fault(edit, faultOf(new Error(message || 'its worker cannot be loaded'), edit.file));
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

  /** Terminates the worker and starts another. */
  #restart(why: Error): void {
    this.#worker.terminate();
    this.#worker = this.#start();
    const edit = this.#current;
    this.#current = null;
    if (edit) this.#listener.fault(edit, faultOf(why, edit.file));
  }
}
