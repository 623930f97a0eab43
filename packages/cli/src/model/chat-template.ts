/**
 * The chat template beside a checkpoint: `chat_template.jinja`, or `chat_template` in
 * `tokenizer_config.json` (a text, or a list of named ones), or the same key of a GGUF file. The
 * templates read the texts of special tokens, so these are kept as well.
 */
import { join } from 'node:path';
import { ChatTemplate } from '@lamella/runtime/chat-template';
import { readTextIfThere } from '../files.ts';

export interface FoundChat {
  /** The file in a package. */
  readonly file: string;
  readonly template: string;
  readonly variables: Readonly<Record<string, string>>;
  /** A note that it cannot be used; null if it can. */
  readonly note: string | null;
}

type Json = Readonly<Record<string, unknown>>;

/** The template of a hub folder; `config` is what its files say of the tokenizer. */
export async function chatInFolder(folder: string, config: Json): Promise<FoundChat | null> {
  const [own, withTools] = [
    await readTextIfThere(join(folder, 'chat_template.jinja')),
    await readTextIfThere(join(folder, 'additional_chat_templates', 'tool_use.jinja')),
  ];
  return own === null ? chatOf(config, config) : found(byTools(own, withTools), config);
}

/** The template in `config`; `variables` has the special tokens. */
export function chatOf({ chat_template }: Json, variables: Json): FoundChat | null {
  if (typeof chat_template === 'string') return found(chat_template, variables);
  if (!Array.isArray(chat_template)) return null;
  const named = (wanted: string): string | null =>
    chat_template.find((entry) => entry?.name === wanted && typeof entry.template === 'string')?.template ?? null;
  const own = named('default') ?? chat_template.find((entry) => typeof entry?.template === 'string')?.template;
  return typeof own === 'string' ? found(byTools(own, named('tool_use')), variables) : null;
}

/** One template that writes `withTools` if there are tools. */
function byTools(own: string, withTools: string | null): string {
  return withTools === null ? own : `{% if tools %}${withTools}{% else %}${own}{% endif %}`;
}

function found(template: string, config: Json): FoundChat | null {
  if (template === '') return null;
  const variables = Object.entries(config).flatMap(([name, value]): [string, string][] => {
    if (!/_token$/.test(name)) return [];
    const text = typeof value === 'string' ? value : (value as { content?: unknown } | null)?.content;
    return typeof text === 'string' ? [[name, text]] : [];
  });
  return {
    file: 'chat_template.jinja',
    template,
    variables: Object.fromEntries(variables.sort()),
    note: noteOn(template),
  };
}

function noteOn(template: string): string | null {
  try {
    new ChatTemplate(template, {});
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the chat template cannot be read (${reason}), so the package takes texts and token ids, and no messages`;
  }
}
