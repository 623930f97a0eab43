/**
 * The messages between a page and its worker: numbered requests, and answers with the number of
 * their request.
 */
import type { Fallback, FinishReason, LoadOptions, Piece, Running, Stats, ToolCall } from '../api.ts';
import type { PackageAddress } from '../files/folder.ts';
import type { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { CountCall, GenerateCall } from '../model/generate-call.ts';

/**
 * Every request of a page, with its arguments and its result. Functions and signals stay in the
 * page.
 */
export interface Calls {
  load: [
    [
      address: PackageAddress,
      options: Omit<LoadOptions, 'signal' | 'onProgress' | 'onFallback'>,
      constraintScripts: readonly string[],
    ],
    Loaded,
  ];
  generate: [[sequence: number, call: Pick<GenerateCall, 'prompt' | 'options'>], null];
  open: [[], number];
  copy: [[sequence: number], number];
  read: [[sequence: number, tokens: readonly number[]], null];
  save: [[sequence: number, tokens: readonly number[]], Uint8Array<ArrayBuffer>];
  restore: [[sequence: number, bytes: Uint8Array<ArrayBuffer>], number[]];
  count: [[prompt: CountCall['prompt'], options: CountCall['options']], number];
  logits: [[tokens: readonly number[]], Float32Array];
  logitsAll: [[tokens: readonly number[], from: number], Float32Array[]];
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

/** Messages without an answer. */
export type News =
  /** Ends the generation that request `id` started. */
  | { readonly id: number; readonly call: 'abort' }
  /** The reader of that generation has read this many steps and requests more. */
  | { readonly id: number; readonly call: 'more'; readonly steps: number }
  /** Closes the sequence with the number `id`. */
  | { readonly id: number; readonly call: 'close' };

/** The progress of a generation since the step before. */
export interface Step {
  readonly pieces: readonly Piece[];
  readonly promptTokens: readonly number[];
  /** Why the last piece is the last one; null if more may follow. */
  readonly finishReason: FinishReason | null;
  readonly toolCalls: readonly ToolCall[];
  readonly stats: Stats;
}

export type Answer =
  /** Belongs to no request: sent while loading, or at any time later. */
  | { readonly fallback: Fallback }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly id: number; readonly step: Step }
  | { readonly id: number; readonly progress: readonly [doneBytes: number, totalBytes: number] };

/** An error as plain data: the parts of a `LamellaError`, or the message of any other error. */
export type Failure = Pick<LamellaError, 'code' | 'args' | 'place'> | { readonly message: string };
