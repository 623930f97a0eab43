/** The messages between the page and the compiler's worker. */
import type { CompileOptions } from '@lamella/compiler/compilation';
import type { AuthorFile } from '@lamella/dsl/live';
import type { KernelTexts } from '@lamella/report/kernel-texts';

/** A version of the author's file, with the options for compiling it. */
export interface Version {
  readonly file: string;
  readonly source: string;
  /** The file as it is on disk and its imports; empty for a file that can have none. */
  readonly files: readonly AuthorFile[];
  readonly options: Pick<CompileOptions, 'quant' | 'kv'>;
}

/** A version that is sent to the compiler's worker, with a number that identifies it. */
export interface Edit extends Version {
  readonly id: number;
}

/** A fault in a version; lines and columns count from 1. */
export interface Fault {
  /** A code of the diagnostics catalogue; null for a defect of the compiler itself. */
  readonly code: string | null;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}

/** Everything that is shown of a version. */
export interface Picture {
  readonly name: string;
  /** Markup of the figures and sections, made by packages/report. */
  readonly markup: string;
  /** Markup of the figures and the stack alone, to stand beside those of another graph. */
  readonly summary: string;
  readonly kernels: KernelTexts;
  /** The compiler's reason why there are no kernels for a GPU; empty if there are. */
  readonly withoutGpu: string;
}

export type Said =
  | { readonly kind: 'ready' }
  /** The author's code has started, or has ended. */
  | { readonly kind: 'running'; readonly id: number }
  | { readonly kind: 'traced'; readonly id: number }
  | { readonly kind: 'picture'; readonly id: number; readonly picture: Picture }
  | { readonly kind: 'fault'; readonly id: number; readonly fault: Fault };
