/** What the page and the compiler's worker say to each other. */
import type { CompileOptions } from '@lamella/compiler/compilation';
import type { KernelTexts } from '@lamella/report/kernel-texts';

/** A version of the author's file, and how it is to be compiled. */
export interface Version {
  readonly file: string;
  readonly source: string;
  readonly options: Pick<CompileOptions, 'quant' | 'kv'>;
}

/** A version that the compiler's worker is given, by a number of its own. */
export interface Edit extends Version {
  readonly id: number;
}

/** What is wrong with a version; lines and columns count from 1. */
export interface Fault {
  /** One of the catalogue's numbers; null for a defect of the compiler itself. */
  readonly code: string | null;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}

/** All that is shown of a version. */
export interface Picture {
  readonly name: string;
  /** Markup of the figures and sections, from packages/report. */
  readonly markup: string;
  readonly kernels: KernelTexts;
  /** Why there are no kernels for a GPU, in the compiler's words; empty when there are. */
  readonly withoutGpu: string;
}

export type Said =
  | { readonly kind: 'ready' }
  /** The author's code begins, and is through. */
  | { readonly kind: 'running'; readonly id: number }
  | { readonly kind: 'traced'; readonly id: number }
  | { readonly kind: 'picture'; readonly id: number; readonly picture: Picture }
  | { readonly kind: 'fault'; readonly id: number; readonly fault: Fault };
