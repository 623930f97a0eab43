/**
 * The list of commands. Each has a module that defines its options and its action. Only the module
 * of the requested command is loaded, so that `lamella --help` and `lamella check` do not wait for
 * the compiler.
 */
import { Command } from 'commander';
import { version } from './own-package.ts';

/**
 * The export of a command's module: adds options and the action to a command that already has its
 * arguments.
 */
interface CommandModule {
  define(command: Command): void;
}

interface CommandLine {
  /** Name and arguments. */
  readonly usage: string;
  readonly does: string;
  load(): Promise<CommandModule>;
}

const commands: readonly CommandLine[] = [
  {
    usage: 'check <GRAPH.ts>',
    does: 'report the faults of a graph: it accepts exactly the graphs that compile accepts',
    load: () => import('./commands/check.ts'),
  },
  {
    usage: 'compile <GRAPH.ts>',
    does: 'compile a graph to a package',
    load: () => import('./commands/compile.ts'),
  },
  {
    usage: 'run <PACKAGE>',
    does: 'generate text with a package; greedy unless a sampling option is given',
    load: () => import('./commands/run.ts'),
  },
  {
    usage: 'chat <PACKAGE>',
    does: 'a conversation in the terminal; greedy unless a sampling option is given',
    load: () => import('./commands/chat.ts'),
  },
  {
    usage: 'serve <PACKAGE>',
    does: "answer requests of OpenAI's protocol over HTTP",
    load: () => import('./commands/serve.ts'),
  },
  {
    usage: 'logits <PACKAGE>',
    does: 'print the logits after the given tokens',
    load: () => import('./commands/logits.ts'),
  },
  {
    usage: 'inspect <GRAPH.ts|PACKAGE...>',
    does: 'show parameters, sharing, memory, kernels and bytes per token; several side by side',
    load: () => import('./commands/inspect.ts'),
  },
  {
    usage: 'bench <PACKAGE...>',
    does: 'measure loading, prefill and decode; several packages in turn, with ratios to the first',
    load: () => import('./commands/bench.ts'),
  },
  {
    usage: 'profile',
    does: 'measure what this device can do, for inspect --device',
    load: () => import('./commands/profile.ts'),
  },
  {
    usage: 'eval <PACKAGE...>',
    does: 'perplexity of a text, multiple choice, and the distance to another model; several side by side',
    load: () => import('./commands/eval.ts'),
  },
  {
    usage: 'import <HF_DIR|FILE.gguf>',
    does: "write a graph file from a checkpoint's config.json, or a GGUF file",
    load: () => import('./commands/import.ts'),
  },
  {
    usage: 'export <GRAPH.ts>',
    does: 'write the graph as a PyTorch module, or with its weights as GGUF for llama.cpp',
    load: () => import('./commands/export.ts'),
  },
  {
    usage: 'dev <GRAPH.ts>',
    does: 'open the studio on a graph file: edits on disk and in the page show in both',
    load: () => import('./commands/dev.ts'),
  },
  {
    usage: 'new <NAME>',
    does: 'start a graph file',
    load: () => import('./commands/new.ts'),
  },
  {
    usage: 'explain <CODE>',
    does: 'print the cause and the remedy of an error code, such as L214',
    load: () => import('./commands/explain.ts'),
  },
];

/**
 * Runs the command in `words`, the arguments after `lamella`. Throws `LamellaError` and
 * `CommanderError`; prints only help and the output of the command itself.
 */
export async function runCommand(words: readonly string[]): Promise<void> {
  const lamella = new Command('lamella')
    .description('Compiles deep-and-thin transformers to small self-contained packages.')
    .version(version, '--version')
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  const asked = askedFor(words);
  for (const { usage, does, load } of commands) {
    const command = lamella.command(usage).description(does);
    if (command.name() === asked) (await load()).define(command);
  }
  await lamella.parseAsync(words, { from: 'user' });
}

/** Every command with its options, for the reference of the command line. */
export function allCommands(): Promise<readonly Command[]> {
  const lamella = new Command('lamella');
  const defined = commands.map(async ({ usage, does, load }) => {
    const command = lamella.command(usage).description(does);
    (await load()).define(command);
    return command;
  });
  return Promise.all(defined);
}

/** The name of the requested command, both in `run p` and in `help run`. */
function askedFor(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  return first === 'help' ? second : first;
}
