/**
 * The messages between the page and the type checker's worker. Positions are UTF-16 units from the
 * start of the file.
 */
import type { AuthorFile } from '@lamella/dsl/live';

/** The text in the editor, and the file on disk with its imports, if it can have any. */
export interface Typed {
  readonly source: string;
  readonly files: readonly AuthorFile[];
}

export type Question =
  | (Typed & { readonly id: number; readonly kind: 'check' })
  | (Typed & { readonly id: number; readonly kind: 'complete' | 'hover'; readonly at: number });

export interface TypeFault {
  readonly from: number;
  readonly to: number;
  /**
   * The catalogue's code if the message contains one of the DSL's sentences; otherwise
   * TypeScript's.
   */
  readonly code: string | null;
  readonly message: string;
  /** TypeScript's complete message. */
  readonly detail: string;
}

export interface Completion {
  readonly label: string;
  readonly kind: string;
}

export interface Hover {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly documentation: string;
}

export interface Answers {
  check: readonly TypeFault[];
  complete: readonly Completion[];
  hover: Hover | null;
}

export type Answer = { readonly id: number; readonly answer: Answers[keyof Answers] };
