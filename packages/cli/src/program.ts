/**
 * The commands and their options: the command-line contract as code. Each command's own module is loaded only when it runs, so that
 * `lamella check` does not wait for the compiler.
 */
import { stages } from '@lamella/compiler/stages';
import { ggufTypes } from '@lamella/gguf/tensor-types';
import { anyOf, formatNames, kvNames, targets, usual } from '@lamella/runtime/choices';
import { Command, Option } from 'commander';
import { hostNames } from './contract.ts';
import { choice, laterOption, tokenIds, wholeNumber } from './options.ts';
import { samplingFlags } from './sampling-flags.ts';

/** The whole command line, ready for `parseAsync`. Throws `LamellaError` and `CommanderError`; prints nothing but help. */
export function program(): Command {
  const lamella = new Command('lamella')
    .description('Compiles deep-and-thin transformers to small self-contained packages.')
    .exitOverride()
    .configureOutput({ outputError: () => {} });

  lamella
    .command('check')
    .description('say what is wrong with a graph: it accepts what compile accepts')
    .argument('<GRAPH.ts>')
    .addOption(target('check'))
    .action(async (file: string, options) => (await import('./commands/check.ts')).check(file, options));

  lamella
    .command('compile')
    .description('compile a graph to a package')
    .argument('<GRAPH.ts>')
    .addOption(target('compile'))
    .option('--weights <SOURCE>', 'a checkpoint folder, a .safetensors file, or random:SEED; without it, no weights')
    .addOption(quant())
    .addOption(kv())
    .addOption(context("the graph's t"))
    .addOption(later('--profile <NAME|FILE>', 'leave it out: one plan serves every device'))
    .option('--out <DIR>', 'where the package goes (default: out/NAME)')
    .addOption(
      new Option('--emit <STAGE>', `print ${anyOf(stages)}; a package is written only with --out`).argParser(
        choice('--emit', stages),
      ),
    )
    .action(async (file: string, options) => (await import('./commands/compile.ts')).compile(file, options));

  const run = lamella
    .command('run')
    .description('generate text with a package; greedy unless a sampling option is given')
    .argument(
      '<PACKAGE>',
      'or a Hugging Face folder, which is compiled into a cache as --quant, --kv and --context say',
    )
    .option('--prompt <TEXT>', 'text to start from (needs a tokenizer in the package)')
    .addOption(new Option('--tokens <IDS>', 'token ids to start from, such as 1,2,3').argParser(tokenIds('--tokens')))
    .addOption(
      new Option('--max-tokens <N>', 'most tokens to generate').default(128).argParser(wholeNumber('--max-tokens', 1)),
    )
    .addOption(quant())
    .addOption(kv())
    .addOption(context('the most that a checkpoint allows up to 2048'))
    .addOption(target('run'))
    .addOption(threads())
    .option('--json', 'print one JSON object')
    .action(async (folder: string, options) => (await import('./commands/run.ts')).run(folder, options));
  for (const flag of samplingFlags()) run.addOption(flag);

  lamella
    .command('logits')
    .description('print the logits after the given tokens')
    .argument('<PACKAGE>', 'or a Hugging Face folder')
    .addOption(
      new Option('--tokens <IDS>', 'token ids, such as 1,2,3').argParser(tokenIds('--tokens')).makeOptionMandatory(),
    )
    .addOption(quant())
    .addOption(kv())
    .addOption(context('the most that a checkpoint allows up to 2048'))
    .addOption(target('logits'))
    .addOption(threads())
    .option('--all', 'of every position, not only the last')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, options) => (await import('./commands/logits.ts')).logits(folder, options));

  lamella
    .command('inspect')
    .description('parameters, sharing, memory, kernels and bytes per token')
    .argument('<GRAPH.ts|PACKAGE...>', 'with several, a column for each')
    .option('--json', 'print one JSON object')
    .option('--html <FILE>', 'write a self-contained page with pictures instead of tables')
    .action(async (paths: string[], options) => (await import('./commands/inspect.ts')).inspect(paths, options));

  lamella
    .command('bench')
    .description('measure loading, prefill and decode; several packages in turn, the first being the base')
    .argument('<PACKAGE...>', 'packages, or Hugging Face folders')
    .addOption(quant())
    .addOption(kv())
    .addOption(context('the most that a checkpoint allows up to 2048'))
    .addOption(target('bench'))
    .addOption(
      new Option('--host <HOST>', anyOf(hostNames)).default(hostNames[0]).argParser(choice('--host', hostNames)),
    )
    .addOption(
      new Option('--threads <LIST>', 'numbers of threads, such as 1,2: a result for each')
        .default([1], '1')
        .argParser((text: string) => text.split(',').map(wholeNumber('--threads', 1))),
    )
    .addOption(
      new Option('--prompt-tokens <N>', 'tokens to prefill (default: 64)').argParser(wholeNumber('--prompt-tokens', 1)),
    )
    .addOption(
      new Option('--max-tokens <N>', 'tokens to decode (default: 64)').argParser(wholeNumber('--max-tokens', 1)),
    )
    .addOption(new Option('--repeat <N>', 'rounds').default(5).argParser(wholeNumber('--repeat', 1)))
    .option('--json', 'print one JSON object')
    .action(async (paths: string[], options) => (await import('./commands/bench.ts')).bench(paths, options));

  lamella
    .command('import')
    .description("write a graph file from a checkpoint's config.json")
    .argument('<HF_DIR>')
    .requiredOption('--out <GRAPH.ts>', 'the file to write')
    .action(async (folder: string, options) => (await import('./commands/import.ts')).importConfig(folder, options));

  lamella
    .command('export')
    .description('write the graph as a PyTorch module, or with its weights as GGUF for llama.cpp')
    .argument('<GRAPH.ts>')
    .addOption(
      new Option('--to <WHAT>', 'pytorch or gguf').argParser(choice('--to', ['pytorch', 'gguf'])).makeOptionMandatory(),
    )
    .option('--weights <SOURCE>', 'gguf: a checkpoint folder, a .safetensors file, or random:SEED')
    .addOption(
      new Option('--type <TYPE>', `gguf: ${anyOf(ggufTypes)} (default: f32)`).argParser(choice('--type', ggufTypes)),
    )
    .requiredOption('--out <PATH>', 'the folder (pytorch) or the file (gguf) to write')
    .action(async (file: string, options) => (await import('./commands/export.ts')).exportGraph(file, options));

  lamella
    .command('new')
    .description('start a graph file')
    .argument('<NAME>')
    .action(async (name: string) => (await import('./commands/new.ts')).newGraph(name));

  return lamella;
}

/** `--target`: a list where several make sense. */
function target(command: 'check' | 'compile' | 'run' | 'logits' | 'bench'): Option {
  const one = choice('--target', targets);
  const several = command === 'check' || command === 'compile' || command === 'bench';
  const help = {
    check: 'wasm, or wasm,webgpu to ask for GPUs as well (default: wasm)',
    compile: 'wasm, or wasm,webgpu to run on GPUs as well (default: wasm)',
    run: `${anyOf(targets)} (default: ${usual.target})`,
    logits: `${anyOf(targets)} (default: ${usual.target})`,
    bench: 'wasm, webgpu or both: a result for each (default: wasm)',
  }[command];
  return new Option('--target <TARGET>', help).argParser((text: string) =>
    several ? text.split(',').map(one) : one(text),
  );
}

function quant(): Option {
  const formats = choice('--quant', formatNames, ['f16']);
  return new Option('--quant <FORMAT>', `${anyOf(formatNames)} (default: ${usual.format})`).argParser(formats);
}

function kv(): Option {
  return new Option('--kv <FORMAT>', `keys and values as ${anyOf(kvNames)} (default: ${usual.kv})`).argParser(
    choice('--kv', kvNames),
  );
}

function context(usual: string): Option {
  return new Option('--context <N>', `longest sequence in tokens (default: ${usual})`).argParser(
    wholeNumber('--context', 1),
  );
}

function threads(): Option {
  return new Option('--threads <N>', 'most threads to compute with').default(1).argParser(wholeNumber('--threads', 1));
}

function later(flags: string, remedy: string): Option {
  return new Option(flags).hideHelp().argParser(laterOption(flags.split(' ')[0]!, remedy));
}
