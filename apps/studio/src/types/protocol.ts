/** What the page and the type checker's worker say to each other. Positions are UTF-16 units from the start of the file. */

export type Question =
  | { readonly id: number; readonly kind: 'check'; readonly source: string }
  | { readonly id: number; readonly kind: 'complete' | 'hover'; readonly source: string; readonly at: number };

export interface TypeFault {
  readonly from: number;
  readonly to: number;
  /** Of the catalogue, when the DSL's own sentence is in it; else TypeScript's. */
  readonly code: string | null;
  readonly message: string;
  /** All that TypeScript says. */
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
