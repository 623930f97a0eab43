/**
 * The text of an answer, token by token: characters are completed, calls of tools are taken out,
 * and stop strings end it. Text that may become either is held back.
 */
import type { ToolCall } from '../api.ts';
import type { Detokenizer } from './detokenizer.ts';
import { StopStrings } from './stop-strings.ts';
import type { ToolCallReader } from './tool-calls/tool-call-reader.ts';

export interface AnswerParts {
  readonly detokenizer: Detokenizer;
  /** The beginning of the answer, which the prompt ends with. */
  readonly prefix: string;
  readonly stop: readonly string[];
  readonly tools: ToolCallReader | null;
  /** The marks of calls that are special tokens, by their ids. */
  readonly marks: ReadonlyMap<number, string>;
}

export class Answer {
  readonly #parts: AnswerParts;
  readonly #stops: StopStrings;
  #prefix: string;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#stops = new StopStrings(parts.stop);
    // A prefix may be the beginning of a call.
    this.#prefix = parts.tools?.push(parts.prefix) ?? parts.prefix;
  }

  /** Whether a stop string has ended the answer. */
  get stopped(): boolean {
    return this.#stops.stopped;
  }

  get toolCalls(): readonly ToolCall[] {
    return this.#parts.tools?.calls ?? [];
  }

  /** The text that `token` completes. */
  push(token: number): string {
    const { detokenizer, marks } = this.#parts;
    return this.#withPrefix(this.#visible(detokenizer.push(token) + (marks.get(token) ?? '')));
  }

  /** The text that was held back, at the end of the answer. */
  flush(): string {
    const { detokenizer, tools } = this.#parts;
    const text = this.#visible(detokenizer.flush()) + this.#stops.push(tools?.flush() ?? '');
    return this.#withPrefix(text + this.#stops.flush());
  }

  #visible(text: string): string {
    return this.#stops.push(this.#parts.tools?.push(text) ?? text);
  }

  /** Stop strings are not looked for in the prefix. */
  #withPrefix(text: string): string {
    const prefix = this.#prefix;
    this.#prefix = '';
    return prefix + text;
  }
}
