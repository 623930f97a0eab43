/**
 * Prompts, as a core receives them: checked and copied (`read-prompt.ts`). `text/texts.ts` turns
 * them into ids.
 */
import type * as api from '../api.ts';

export type Prompt = string | readonly number[] | readonly api.Message[];

/** The options of a call that are part of its prompt. */
export interface Around {
  readonly prefix?: string | undefined;
  readonly tools?: readonly api.Tool[] | undefined;
  readonly toolChoice?: api.ToolChoice | undefined;
}

/** Ids of a prompt that are known without a tokenizer: those of a list of ids. */
export function knownIds(prompt: Prompt, { prefix = '' }: Around): readonly number[] {
  return prefix === '' && typeof prompt[0] === 'number' ? (prompt as readonly number[]) : [];
}
