/** The part of a model that answers need; `lamella serve` puts its sessions in between. */
import type { FinishReason, GenerateOptions, Generation, Model, Prompt } from '../../api.ts';
import type { Usage } from './types.ts';

export interface Served extends Pick<Model, 'manifest' | 'tokenizer' | 'logitsAll'> {
  generate(prompt: Prompt, options: GenerateOptions): Generation;
}

/** The members that every part of an answer has. */
export function heading<Kind extends string>(object: Kind, { manifest }: Pick<Served, 'manifest'>) {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return {
    id: `${object.startsWith('chat') ? 'chatcmpl' : 'cmpl'}-${id}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: manifest.name,
  };
}

/** Adds up the tokens of an answer's generations. */
export class Count {
  #prompt = 0;
  #cached = 0;
  #generated = 0;

  /** Counts a prompt once, however many answers it has. */
  prompt(tokens: number, cached: number): void {
    this.#prompt += tokens;
    this.#cached += cached;
  }

  generated(tokens: number): void {
    this.#generated += tokens;
  }

  get usage(): Usage {
    return {
      prompt_tokens: this.#prompt,
      completion_tokens: this.#generated,
      total_tokens: this.#prompt + this.#generated,
      prompt_tokens_details: { cached_tokens: this.#cached },
    };
  }
}

/** The name that OpenAI's API has for an end. Throws the signal's reason after an abort. */
export function endOf(reason: FinishReason | null, signal: AbortSignal | undefined): 'stop' | 'length' | 'tool_calls' {
  switch (reason) {
    case 'eos':
    case 'stop':
      return 'stop';
    case 'tool_calls':
      return 'tool_calls';
    case 'length':
    case 'context':
      return 'length';
    default:
      signal?.throwIfAborted();
      throw new Error('the generation has not ended');
  }
}
