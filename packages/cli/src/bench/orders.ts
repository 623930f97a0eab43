/** What a measuring page is told to do, and what it answers: JSON in both directions. */
import type { ReadWork } from '../profile/read-speed.ts';
import type { Failure } from '../serve/protocol.ts';
import type { On, Work } from './host.ts';

export type Order = { readonly id: number } & Task;

export type Task =
  | { readonly kind: 'about' }
  | { readonly kind: 'reads'; readonly work: ReadWork }
  /** Loads the package in the folder `package` of the site, and calls it `subject`. */
  | { readonly kind: 'open'; readonly subject: number; readonly package: string; readonly on: On }
  | { readonly kind: 'run'; readonly subject: number; readonly work: Work }
  | { readonly kind: 'close'; readonly subject: number }
  /** Shows a line, how much is done, and the result if there is one. */
  | { readonly kind: 'show'; readonly shown: Shown };

export interface Shown {
  readonly line: string;
  /** From 0 to 1. */
  readonly share: number;
  readonly result?: string;
}

/** The body of a request for the next order. A page has one `visit` from its start to its end. */
export interface Request {
  readonly visit: string;
  /** The answer to the last order; null in the first request. */
  readonly answer: Answer | null;
  /** The page is closed or reloaded, and this is its last request. */
  readonly leaves?: true;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failed: Failure };
