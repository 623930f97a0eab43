/** Types of the API that land separately. */
import type { Result, ToolCall } from '../api.ts';

export interface Tool {
  readonly type: 'function';
  readonly function: { readonly name: string; readonly description?: string; readonly parameters?: object };
}

export const toolCallsOf = (result: Result): readonly ToolCall[] =>
  (result as { readonly toolCalls?: readonly ToolCall[] }).toolCalls ?? [];
