/** What a page and its worker say to each other: requests with a number each, and answers that carry it. */
import type { Fallback, FinishReason, LoadOptions, Piece, Running, Stats } from '../face.ts';
import type { PackageAddress } from '../files/folder.ts';
import type { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { GenerateCall } from '../model/options.ts';

/** Everything a page can ask of its worker, with what it sends along and what comes back. Functions and signals stay in the page. */
export interface Calls {
  load: [[address: PackageAddress, options: Omit<LoadOptions, 'signal' | 'onProgress' | 'onFallback'>], Loaded];
  generate: [[call: Pick<GenerateCall, 'prompt' | 'options'>], null];
  logits: [[tokens: readonly number[]], Float32Array];
  logitsAll: [[tokens: readonly number[]], Float32Array[]];
  encode: [[text: string], number[]];
  encodePrompt: [[text: string], number[]];
  decode: [[ids: readonly number[]], string];
}

export interface Loaded {
  readonly manifest: Manifest;
  readonly running: Running;
}

export type Request =
  | { readonly [C in keyof Calls]: { readonly id: number; readonly call: C; readonly args: Calls[C][0] } }[keyof Calls]
  | News;

/** What is not answered. */
export type News =
  /** Ends the generation that request `id` started. */
  | { readonly id: number; readonly call: 'abort' }
  /** The reader of that generation has come to the end of so many steps, and asks for more. */
  | { readonly id: number; readonly call: 'read'; readonly steps: number };

/** How far a generation has come since the step before. */
export interface Step {
  readonly pieces: readonly Piece[];
  readonly promptTokens: readonly number[];
  /** Why the last of the pieces is the last one. */
  readonly finishReason: FinishReason | null;
  readonly stats: Stats;
}

export type Answer =
  /** Of no request: it comes while loading, or at any time later. */
  | { readonly fallback: Fallback }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly id: number; readonly step: Step }
  | { readonly id: number; readonly progress: readonly [doneBytes: number, totalBytes: number] };

/** An error as it travels: what a `LamellaError` is made from, or the sentence of any other. */
export type Failure = Pick<LamellaError, 'code' | 'args' | 'place'> | { readonly message: string };
