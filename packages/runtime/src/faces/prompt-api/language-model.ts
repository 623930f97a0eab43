/**
 * A session of the Prompt API: a conversation in messages. Its calls run one after another, each on
 * the messages that the calls before it left; a call that fails or is aborted leaves none. The keys
 * and values are in a session of the model if there is room for one, else in the model's own
 * sequence, which gives the same answers.
 */
import type { FinishReason, Message, Model, ResponseFormat, Session, ToolCall } from '../../api.ts';
import { formatOf, satisfies, signalOf } from './call-options.ts';
import { codeOf, domException, exceptionFor, quotaExceeded } from './errors.ts';
import { type ReadPrompt, readPrompt } from './prompt-input.ts';
import { type Settings, samplingOf, toolsOf } from './settings.ts';
import { joined, until } from './signals.ts';
import type { LanguageModel, PromptCallOptions, PromptInput } from './types.ts';

/** The state of a session. */
export interface Conversation {
  readonly model: Model;
  /** null if the model had no room for another session. */
  readonly session: Session | null;
  readonly settings: Settings;
  /** The messages that are never removed. */
  readonly pinned: readonly Message[];
  /** The messages of each call, the answer included; the first are removed first. */
  readonly turns: readonly (readonly Message[])[];
  /** Number of tokens. */
  readonly usage: number;
}

const overflows = ['contextoverflow', 'quotaoverflow'] as const;

/** Frees the memory of sessions that the page has lost without `destroy`. */
const lost = new FinalizationRegistry<Session>((session) => session.dispose());

export class PromptSession extends EventTarget implements LanguageModel {
  #now: Conversation;
  readonly #destruction = new AbortController();
  #calls: Promise<unknown> = Promise.resolve();
  oncontextoverflow: LanguageModel['oncontextoverflow'] = null;
  onquotaoverflow: LanguageModel['onquotaoverflow'] = null;

  /** For `create` and `clone` only. */
  constructor(conversation: Conversation, signal?: AbortSignal) {
    if (!conversation) throw new TypeError('Illegal constructor. Try LanguageModel.create().');
    super();
    this.#now = conversation;
    if (conversation.session) lost.register(this, conversation.session, this);
    for (const type of overflows) this.addEventListener(type, (event) => this[`on${type}`]?.(event));
    signal?.addEventListener('abort', () => this.#destroy(signal.reason), { signal: this.#destruction.signal });
  }

  get contextUsage(): number {
    return this.#now.usage;
  }

  get contextWindow(): number {
    return this.#now.model.manifest.context;
  }

  get inputUsage(): number {
    return this.contextUsage;
  }

  get inputQuota(): number {
    return this.contextWindow;
  }

  get topK(): number {
    return this.#now.settings.topK;
  }

  get temperature(): number {
    return this.#now.settings.temperature;
  }

  get samplingMode(): LanguageModel['samplingMode'] {
    return this.#now.settings.samplingMode;
  }

  async prompt(input: PromptInput, options?: PromptCallOptions): Promise<string> {
    const read = readPrompt(input);
    const format = formatOf(options);
    return this.#inOrder([signalOf(options)], async (signal) => {
      let text = '';
      for await (const piece of this.#answer(read, format, signal)) text += piece;
      return text;
    });
  }

  promptStreaming(input: PromptInput, options?: PromptCallOptions): ReadableStream<string> {
    const signal = signalOf(options);
    for (const one of [this.#destruction.signal, signal]) one?.throwIfAborted();
    const left = new AbortController();
    return new ReadableStream<string>({
      start: (controller) => {
        const answering = async () => {
          const read = readPrompt(input);
          const format = formatOf(options);
          await this.#inOrder([signal, left.signal], async (signal) => {
            for await (const piece of this.#answer(read, format, signal))
              if (!signal.aborted) controller.enqueue(piece);
          });
          controller.close();
        };
        answering().catch((error) => controller.error(error));
      },
      cancel: (reason) => left.abort(reason),
    });
  }

  async append(input: PromptInput, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const { messages, prefix } = readPrompt(input);
    const added = prefix === '' ? messages : [...messages, { role: 'assistant', content: prefix }];
    await this.#inOrder([signalOf(options)], async (signal) => {
      const { next, removed } = await this.#withRoom(added, '');
      const usage = await this.#count(all(next));
      await readAhead(next, signal);
      signal.throwIfAborted();
      this.#become({ ...next, usage }, removed);
    });
  }

  async measureContextUsage(input: PromptInput, options?: PromptCallOptions): Promise<number> {
    const { messages, prefix } = readPrompt(input);
    formatOf(options);
    const { signal, end } = joined([this.#destruction.signal, signalOf(options)]);
    const before = all(this.#now);
    const counts = [this.#count(before), this.#count([...before, ...messages], prefix)];
    try {
      const [without, together] = await until(signal, Promise.all(counts));
      return Math.max(0, together! - without!);
    } catch (error) {
      throw exceptionFor(error, 'UnknownError');
    } finally {
      end();
    }
  }

  measureInputUsage(input: PromptInput, options?: PromptCallOptions): Promise<number> {
    return this.measureContextUsage(input, options);
  }

  async clone(options?: { readonly signal?: AbortSignal | undefined }): Promise<LanguageModel> {
    return this.#inOrder([signalOf(options)], async () => {
      const { model, session } = this.#now;
      const copy = await ifThereIsRoom(session ? session.clone() : model.session());
      return new (this.constructor as typeof PromptSession)({ ...this.#now, session: copy });
    });
  }

  destroy(): void {
    this.#destroy(domException('AbortError', 'The session was destroyed.'));
  }

  #destroy(reason: unknown): void {
    this.#destruction.abort(reason);
    lost.unregister(this);
    this.#now.session?.dispose();
  }

  /**
   * Runs `work` after the calls before it. An abort rejects at once, and removes a waiting call.
   */
  async #inOrder<T>(
    signals: readonly (AbortSignal | undefined)[],
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal, end } = joined([this.#destruction.signal, ...signals]);
    try {
      signal.throwIfAborted();
      const mine = this.#calls.then(() => {
        signal.throwIfAborted();
        return work(signal);
      });
      this.#calls = mine.catch(() => {});
      return await until(signal, mine);
    } catch (error) {
      throw exceptionFor(error, 'UnknownError');
    } finally {
      end();
    }
  }

  /** The pieces of an answer. Afterwards, it is part of the conversation. */
  async *#answer(
    { messages, prefix }: ReadPrompt,
    format: ResponseFormat | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<string, void, undefined> {
    const { next: first, removed } = await this.#withRoom(messages, prefix);
    const { settings } = this.#now;
    const tools = toolsOf(settings);
    let next = first;
    let begun = prefix;
    for (;;) {
      const generation = source(next).generate(all(next), {
        ...samplingOf(settings),
        ...(tools && { tools }),
        ...(format && { responseFormat: format }),
        ...(begun && { prefix: begun }),
        signal,
      });
      let given = begun.length;
      for await (const _ of generation) {
        const { text } = generation;
        if (text.length > given) yield text.slice(given);
        given = Math.max(given, text.length);
      }
      const { text, toolCalls, tokens, finishReason } = await generation.result();
      signal.throwIfAborted();
      if (format && toolCalls.length === 0 && isCut(finishReason) && !satisfies(text, format))
        throw domException('OperationError', 'The answer was cut before it satisfied the responseConstraint.');
      const calls = toolCalls.length > 0 ? { tool_calls: toolCalls } : {};
      const usage = Math.min(generation.promptTokens.length + tokens.length, this.contextWindow);
      next = { ...extended(next, [{ role: 'assistant', content: text, ...calls }]), usage };
      if (toolCalls.length === 0) break;
      next = extended(next, await Promise.all(toolCalls.map((call) => resultOf(call, settings))));
      signal.throwIfAborted();
      begun = '';
    }
    this.#become(next, removed);
  }

  /** The state after a call that succeeded; the events if it removed turns. */
  #become(next: Conversation, removed: boolean): void {
    this.#now = next;
    if (removed) for (const type of overflows) this.dispatchEvent(new Event(type));
  }

  /**
   * The conversation with a turn of `messages`, without the oldest turns if all do not fit. It becomes
   * the session's own when the call succeeds. Throws `QuotaExceededError` if the messages cannot fit.
   */
  async #withRoom(
    messages: readonly Message[],
    prefix: string,
  ): Promise<{ readonly next: Conversation; readonly removed: boolean }> {
    const { turns } = this.#now;
    for (let removed = 0; ; removed++) {
      const next = this.#with(messages, turns.slice(removed));
      const requested = await this.#count(all(next), prefix);
      if (requested < this.contextWindow) return { next, removed: removed > 0 };
      if (removed === turns.length) throw quotaExceeded(requested, this.contextWindow);
    }
  }

  /** The conversation with a turn of `messages`. A system message at its beginning is pinned. */
  #with(messages: readonly Message[], turns = this.#now.turns): Conversation {
    const { pinned } = this.#now;
    const isSystem = messages[0]?.role === 'system';
    if (isSystem && (pinned.length > 0 || this.#now.turns.length > 0))
      throw new TypeError('A message of the role system can only be the first message of a conversation.');
    const rest = isSystem ? messages.slice(1) : messages;
    return { ...this.#now, pinned: isSystem ? messages.slice(0, 1) : pinned, turns: [...turns, rest] };
  }

  #count(messages: readonly Message[], prefix = ''): Promise<number> {
    return countTokens(this.#now, messages, prefix);
  }
}

const all = ({ pinned, turns }: Conversation): readonly Message[] => [...pinned, ...turns.flat()];
const source = ({ session, model }: Conversation): Model | Session => session ?? model;

const isCut = (reason: FinishReason) => reason === 'length' || reason === 'context';

/** The conversation with more messages in its last turn. */
function extended(conversation: Conversation, messages: readonly Message[]): Conversation {
  const turns = [...conversation.turns];
  turns.push([...turns.pop()!, ...messages]);
  return { ...conversation, turns };
}

/** Number of tokens of messages. Messages that a template refuses alone count by their texts. */
export async function countTokens(
  { model, settings }: Pick<Conversation, 'model' | 'settings'>,
  messages: readonly Message[],
  prefix = '',
): Promise<number> {
  if (messages.length === 0) return 0;
  const tools = toolsOf(settings);
  try {
    return await model.count(messages, { ...(tools && { tools }), ...(prefix && { prefix }) });
  } catch (error) {
    if (codeOf(error) !== 'L452') throw error;
    const texts = messages.map(({ content }) => model.tokenizer!.encode(`${content}`));
    return (await Promise.all(texts)).reduce((sum, ids) => sum + ids.length, 0);
  }
}

/**
 * Computes the keys and values of a conversation ahead of its next prompt, by one token of an
 * answer.
 */
export async function readAhead(conversation: Conversation, signal?: AbortSignal): Promise<void> {
  const { session, settings } = conversation;
  const tools = toolsOf(settings);
  const messages = all(conversation);
  if (!session || messages.length === 0) return;
  try {
    await session.generate(messages, { maxTokens: 1, ...(tools && { tools }), ...(signal && { signal }) }).result();
  } catch (error) {
    // Some templates need a message of the user, which comes with the prompt.
    if (codeOf(error) !== 'L452') throw error;
  }
}

/** A session, or null if too many are open or there is no memory for another one. */
export async function ifThereIsRoom(opening: Promise<Session>): Promise<Session | null> {
  return opening.catch((error) => {
    if (['L446', 'L447'].includes(codeOf(error) ?? '')) return null;
    throw exceptionFor(error, 'OperationError');
  });
}

/** Calls the page's function. Its error is the error of the prompt. */
async function resultOf(call: ToolCall, { tools }: Settings): Promise<Message> {
  const { name, arguments: given } = call.function;
  const tool = tools.find((tool) => tool.name === name);
  const content = tool ? `${await tool.execute(JSON.parse(given) as never)}` : `There is no tool ${name}.`;
  return { role: 'tool', tool_call_id: call.id, name, content };
}
