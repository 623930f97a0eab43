/**
 * `lamella chat`: a conversation in the terminal. Each turn is computed from its own tokens on,
 * because the model keeps those of the turns before; when the context is full, it keeps the newest
 * half. Piped lines are turns, too.
 */
import { createInterface, type Interface } from 'node:readline';
import type { Generation, Message, Model, SamplingOptions } from '@lamella/runtime/api';
import { type Target, usual } from '@lamella/runtime/choices';
import { LamellaError } from '@lamella/runtime/lamella-error';
import { type Command, Option } from 'commander';
import { loaded } from '../api/load.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { onFallback } from '../terminal/fallback.ts';
import { wholeNumber } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { samplingFlags } from '../terminal/sampling-flags.ts';
import { takesCheckpoints, target, threads } from '../terminal/shared-options.ts';
import { summary } from './run.ts';

export interface ChatCommand extends SamplingOptions, HowCompiled {
  readonly system?: string;
  readonly maxTokens: number;
  readonly target?: Target;
  readonly threads: number;
}

export function define(command: Command): void {
  command
    .option('--system <TEXT>', 'the system message')
    .addOption(
      new Option('--max-tokens <N>', 'most tokens of an answer').default(512).argParser(wholeNumber('--max-tokens', 1)),
    );
  for (const flag of samplingFlags()) command.addOption(flag);
  takesCheckpoints(command).addOption(target()).addOption(threads()).action(chat);
}

const help = `/reset          forget the conversation
/system [TEXT]  set the system message and forget the conversation
/stats          tokens and speed of the last answer
/exit           leave, like Ctrl-D; Ctrl-C stops an answer, or leaves
`;

/** Throws the errors of loading a model, and L406 for one without a tokenizer. */
export async function chat(path: string, command: ChatCommand): Promise<void> {
  const { system, maxTokens, target = usual.target, threads, quant, kv, context, ignore, ...sampling } = command;
  const { finish, ...observed } = observer();
  const how = { quant, kv, context, ignore, device: target, threads };
  const model = await loaded(path, { ...how, ...observed, onFallback }, { start: '' }).finally(finish);
  if (!model.tokenizer) throw new LamellaError('L406', { path });
  const hasTemplate = model.manifest.tokenizer?.chat !== undefined;
  if (!hasTemplate) process.stderr.write('the model has no chat template: every line is a request of its own\n');

  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, ...(isTerminal && { output: process.stdout, prompt: '> ' }) });
  const talk = new Talk(model, hasTemplate, { maxTokens, ...sampling }, system);
  lines.on('SIGINT', () => talk.stop() || lines.close());
  if (isTerminal) process.stderr.write(`${model.manifest.name}: /help lists the commands\n`);
  await converse(lines, talk, isTerminal);
  model.dispose();
  // a script must notice that a line of its own has no answer
  if (talk.hasFailed && !isTerminal) process.exitCode = 1;
}

async function converse(lines: Interface, talk: Talk, isTerminal: boolean): Promise<void> {
  if (isTerminal) lines.prompt();
  for await (const line of lines) {
    if (line.trim() === '/exit') break;
    if (line.trim() !== '') await talk.take(line);
    if (isTerminal) lines.prompt();
  }
  lines.close();
}

/** The conversation so far. */
class Talk {
  readonly #model: Model;
  readonly #hasTemplate: boolean;
  readonly #options: SamplingOptions & { readonly maxTokens: number };
  #system: readonly Message[];
  #messages: readonly Message[];
  #control: AbortController | null = null;
  #last: Generation | null = null;
  /** Whether a message had no answer. */
  hasFailed = false;

  constructor(
    model: Model,
    hasTemplate: boolean,
    options: SamplingOptions & { readonly maxTokens: number },
    system: string | undefined,
  ) {
    this.#model = model;
    this.#hasTemplate = hasTemplate;
    this.#options = options;
    this.#system = systemMessage(system);
    this.#messages = this.#system;
  }

  /** Stops the answer that is being written; false if there is none. */
  stop(): boolean {
    this.#control?.abort();
    return this.#control !== null;
  }

  /** A command, or a message and its answer. */
  async take(line: string): Promise<void> {
    const [, name, text] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
    if (name === undefined) return this.#answer(line);
    if (name === 'reset') this.#messages = this.#system;
    else if (name === 'system') {
      this.#system = systemMessage(text);
      this.#messages = this.#system;
    } else if (name === 'stats') process.stderr.write(`${this.#last ? summary(this.#last) : 'no answer yet'}\n`);
    else process.stderr.write(name === 'help' ? help : `there is no command /${name}\n${help}`);
  }

  /** A message that cannot be answered is left out of the conversation. */
  async #answer(content: string): Promise<void> {
    const messages = [...this.#messages, { role: 'user', content }];
    this.#control = new AbortController();
    // a conversation goes on when the context is full
    const options = { ...this.#options, overflow: 'slide', signal: this.#control.signal } as const;
    try {
      const generation = this.#model.generate(this.#hasTemplate ? messages : content, options);
      for await (const { text } of generation) process.stdout.write(text);
      process.stdout.write('\n');
      if (generation.finishReason === 'length')
        process.stderr.write(`cut after ${this.#options.maxTokens} tokens; --max-tokens changes this\n`);
      this.#last = generation;
      this.#messages = [...messages, { role: 'assistant', content: generation.text }];
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      process.stderr.write(`${cause.message}\n`);
      this.hasFailed = true;
    } finally {
      this.#control = null;
    }
  }
}

function systemMessage(text: string | undefined): readonly Message[] {
  return text ? [{ role: 'system', content: text }] : [];
}
