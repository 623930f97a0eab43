/** Options of several commands, each with one meaning and one text. */
import { anyOf, formatNames, kvNames, targets, usual } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { choice, named, wholeNumber } from './options.ts';

const oneTarget = choice('--target', targets);

/** `--target` of a command that computes on one target. */
export function target(): Option {
  return new Option('--target <TARGET>', `${anyOf(targets)} (default: ${usual.target})`).argParser(oneTarget);
}

/** `--target` of a command with several targets; `what` names them and their purpose. */
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

/** `unsaid` describes the default. */
export function context(unsaid: string): Option {
  return new Option('--context <N>', `longest sequence in tokens (default: ${unsaid})`).argParser(
    wholeNumber('--context', 1),
  );
}

/** `--on` of the commands that measure. */
export function on(): Option {
  return new Option('--on', 'measure on another device: serve a page to it in the local network').conflicts('host');
}

export function ignore(): Option {
  return new Option(
    '--ignore <PATTERN>',
    "superfluous tensors of the checkpoint, such as '*.attention.mask'; may be given several times",
  ).argParser((text: string, earlier: readonly string[] = []) => [...earlier, nonEmpty(text)]);
}

const nonEmpty = named('--ignore', 'the name of a tensor, with * for any characters');

export function threads(): Option {
  return new Option('--threads <N>', 'most threads to compute with').default(1).argParser(wholeNumber('--threads', 1));
}

/** Adds the options of a command that compiles a checkpoint given as its package. */
export function takesCheckpoints(command: Command): Command {
  return command
    .addOption(quant())
    .addOption(kv())
    .addOption(context("the checkpoint's own, at most 2048"))
    .addOption(ignore())
    .addHelpText(
      'after',
      '\nA Hugging Face folder or a .gguf file is accepted as a package: it is compiled into a cache, with --quant, --kv and --context.',
    );
}
