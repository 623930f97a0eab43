/**
 * All that a model does with text: prompts become ids, ids become the text and the calls of an
 * answer, and an answer may have a format. Only packages with a tokenizer contain this module; a
 * model without one takes ids and returns ids.
 */
import type * as api from '../api.ts';
import type { Constrainer, ConstrainingFormat, Constraint } from '../constraint/constraint.ts';
import type { ToolFormat } from '../constraint/tool-calls.ts';
import type { Awaitable } from '../driver/driver.ts';
import type { Parts } from '../entry/parts.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest, TokenizerFiles } from '../manifest/manifest.ts';
import { areMessages } from '../model/messages.ts';
import type { Around, Prompt } from '../model/prompt.ts';
import { inSteps } from '../model/turn.ts';
import { Answer } from './answer.ts';
import type { ChatTemplate } from './chat-template.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';
import { plain, type ToolFamily } from './tool-calls/families.ts';
import { ToolCallReader } from './tool-calls/tool-call-reader.ts';

/** The options of an answer. */
interface Asked {
  readonly stop: readonly string[];
  readonly seed: number;
}

/** The tools that the prompt has. */
function toolsOf({ tools = [], toolChoice }: Around): readonly api.Tool[] {
  return toolChoice === 'none' ? [] : tools;
}

export class Texts {
  readonly tokenizer: Tokenizer;
  readonly #chat: ChatTemplate | null;
  readonly #vocab: number;
  readonly #loadConstraints: Parts['loadConstraints'];
  #constrainer: Promise<Constrainer> | null = null;

  constructor(
    tokenizer: Tokenizer,
    chat: ChatTemplate | null,
    vocab: number,
    loadConstraints: Parts['loadConstraints'],
  ) {
    this.tokenizer = tokenizer;
    this.#chat = chat;
    this.#vocab = vocab;
    this.#loadConstraints = loadConstraints;
  }

  /** Ids of a prompt; null if `goOn` returned false meanwhile. L452. */
  ids(prompt: Prompt, around: Around, goOn: () => Promise<boolean>): Awaitable<readonly number[] | null> {
    const encoding = this.#encoding(prompt, around);
    return 'next' in encoding ? inSteps(encoding, goOn) : encoding;
  }

  /**
   * The text of the answer to the prompt `ids`; `isWhole` if it does not continue a character. The
   * ids of calls come from `seed`.
   */
  answer(ids: readonly number[], isWhole: boolean, { stop, seed, ...around }: Around & Asked): Answer {
    const reader = toolsOf(around).length > 0 ? new ToolCallReader(this.#family(around), seed) : null;
    const { prefix = '' } = around;
    const marks = (reader?.marks ?? []).flatMap((mark): [number, string][] => {
      const id = this.tokenizer.special.get(mark);
      return id === undefined ? [] : [[id, mark]];
    });
    const detokenizer = this.tokenizer.detokenizer(ids, isWhole);
    return new Answer({ detokenizer, prefix, stop, tools: reader, marks: new Map(marks) });
  }

  /**
   * The format of an answer that calls tools; null if the answer is free. Calls are constrained if
   * `toolChoice` requires one, or if a tool is strict.
   */
  toolFormat(around: Around): ToolFormat | null {
    const tools = toolsOf(around);
    const { toolChoice: choice = 'auto' } = around;
    if (tools.length === 0 || choice === 'none') return null;
    const { before, after, members } = this.#family(around);
    if (members === null || (choice === 'auto' && !tools.some((tool) => tool.function.strict))) return null;
    return { type: 'tools', tools, choice, marks: { before, after, members } };
  }

  /** The constraint of an answer that begins with `prefix`. The first call loads what it needs. */
  async constraint(format: ConstrainingFormat, eos: readonly number[], prefix: string): Promise<Constraint> {
    this.#constrainer ??= this.#loadConstrainer();
    // After a failure the next call loads it again.
    this.#constrainer.catch(() => {
      this.#constrainer = null;
    });
    const constraint = (await this.#constrainer).constraint(format, eos);
    constraint.begin(prefix);
    return constraint;
  }

  /**
   * What constraints need of the tokenizer. L460 if its tokens have no bytes of their own; L461.
   */
  async #loadConstrainer(): Promise<Constrainer> {
    const { tokenizer } = this;
    const bytesOf = tokenizer.tokenBytes();
    if (!bytesOf) {
      const reason = 'the texts of the tokens of this tokenizer depend on the tokens around';
      throw new LamellaError('L460', { at: 'responseFormat', reason, remedy: 'generating without it' });
    }
    const { Constrainer } = await this.#loadConstraints!();
    const { special } = tokenizer;
    return new Constrainer({ vocab: this.#vocab, bytesOf, special, encode: (text) => tokenizer.encode(text) });
  }

  /** Calls that must be made are plain JSON in families whose syntax a constraint does not have. */
  #family({ toolChoice = 'auto' }: Around): ToolFamily {
    const { family } = this.#chat!;
    return toolChoice !== 'auto' && family.members === null ? plain : family;
  }

  #encoding(prompt: Prompt, around: Around): readonly number[] | Generator<undefined, number[]> {
    const { tokenizer } = this;
    const { prefix = '' } = around;
    const tools = toolsOf(around);
    if (typeof prompt === 'string') return tokenizer.encodingPrompt(prompt, prefix);
    if (areMessages(prompt))
      return tokenizer.encodingTemplate(this.#chat!.render(prompt, { prefix, tools }, tokenizer.addedTexts));
    const ids = prompt as readonly number[];
    return prefix === '' ? ids : [...ids, ...tokenizer.encode(prefix)];
  }
}

/**
 * Loads a package's tokenizer and its chat template. L407 if one is damaged; the errors of
 * `readChecked`.
 */
export async function loadTexts(
  { tokenizer: spec, vocab }: { readonly tokenizer: TokenizerFiles } & Pick<Manifest, 'vocab'>,
  files: PackageFiles,
  { loadChat, loadConstraints }: Parts,
  signal?: AbortSignal,
): Promise<Texts> {
  const { chat: chatSpec } = spec;
  const [tokenizer, chat] = await Promise.all([
    loadTokenizer(spec, files, signal),
    (chatSpec && loadChat?.(chatSpec, files, signal)) ?? null,
  ]);
  return new Texts(tokenizer, chat, vocab, loadConstraints);
}
