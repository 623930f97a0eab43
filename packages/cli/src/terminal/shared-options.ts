/** Options that several commands have, with one meaning and one text each. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { anyOf, formatNames, kvNames, targets, usual } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { choice, wholeNumber } from './options.ts';

const oneTarget = choice('--target', targets);

/** `--target` of a command that computes on one. */
export function target(): Option {
  return new Option('--target <TARGET>', `${anyOf(targets)} (default: ${usual.target})`).argParser(oneTarget);
}

/** `--target` of a command that takes several; `what` says which they are and what for. */
export function targetList(what: string): Option {
  return new Option('--target <TARGETS>', `${what} (default: ${usual.target})`).argParser((text: string) =>
    text.split(',').map(oneTarget),
  );
}

export function quant(): Option {
  return new Option('--quant <FORMAT>', `${anyOf(formatNames)} (default: ${usual.format})`).argParser(
    choice('--quant', formatNames),
  );
}

export function kv(): Option {
  return new Option('--kv <FORMAT>', `keys and values as ${anyOf(kvNames)} (default: ${usual.kv})`).argParser(
    choice('--kv', kvNames),
  );
}

/** `unsaid` is what holds when it is left out. */
export function context(unsaid: string): Option {
  return new Option('--context <N>', `longest sequence in tokens (default: ${unsaid})`).argParser(
    wholeNumber('--context', 1),
  );
}

/** Throws L303 for a `--context` that `graph` does not have. */
export function fitContext(context: number | undefined, { tokens }: Graph): void {
  if (context === undefined || context <= tokens.size) return;
  const remedy = `up to ${tokens.size}, the graph's ${tokens.name}`;
  throw new LamellaError('L303', { option: '--context', value: String(context), remedy });
}

export function threads(): Option {
  return new Option('--threads <N>', 'most threads to compute with').default(1).argParser(wholeNumber('--threads', 1));
}

/** Adds the options of a command whose packages may be checkpoints, which are then compiled. */
export function takesCheckpoints(command: Command): Command {
  return command
    .addOption(quant())
    .addOption(kv())
    .addOption(context('the most that a checkpoint allows up to 2048'))
    .addHelpText(
      'after',
      '\nA Hugging Face folder or a .gguf file is a package, too: it is compiled into a cache, as --quant, --kv and --context say.',
    );
}
