/** The messages between the HTTP server and the thread of the model. Bodies are JSON texts. */
import type { Usage } from '@lamella/runtime/faces/openai/types';

/** The kinds of requests that the model computes. */
export type AskedKind = 'chat' | 'completions';

/** What the thread loads. */
export interface ThreadStart {
  /** Marks a thread of `lamella serve`. */
  readonly lamellaServe: true;
  /** The folder of the package. */
  readonly folder: string;
  readonly device: 'wasm' | 'webgpu';
  readonly threads: number;
  readonly sessions: number;
}

/** To the thread: a request with the bytes of its body, or the end of one. */
export type ToThread =
  | { readonly id: number; readonly kind: AskedKind; readonly body: Uint8Array }
  | { readonly abort: number };

/** The loaded model. */
export interface Loaded {
  readonly name: string;
  readonly context: number;
  readonly plannedBytes: number;
  /** The device and the kernels, in a sentence. */
  readonly running: string;
}

/** A failure as data, because classes do not survive a message. */
export interface Failure {
  readonly message: string;
  readonly code: string | null;
  readonly remedy: string;
  readonly place: string | null;
  readonly args: Readonly<Record<string, string | number>>;
  readonly stack: string;
}

/** A part of an answer: the whole as JSON, an event of a stream, or its end. */
export type Said =
  | { readonly status: number; readonly json: string; readonly usage: Usage | null }
  | { readonly event: string }
  | { readonly end: true; readonly usage: Usage | null };

/** From the thread. */
export type FromThread =
  | { readonly loaded: Loaded }
  | { readonly failed: Failure }
  | { readonly fallback: string }
  | { readonly progress: readonly [done: number, total: number] }
  | (Said & { readonly id: number });
