/** `lamella run`: streams the generated text to stdout and prints the speed on stderr. */
import { LamellaError } from '@lamella/graph/diagnostics';
import { bytes, rate } from '@lamella/report/units';
import type { Generation, SamplingOptions } from '@lamella/runtime/api';
import { type Target, usual } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { loaded } from '../api/load.ts';
import { run as runModel } from '../api/run.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { onFallback } from '../terminal/fallback.ts';
import { tokenIds, wholeNumber } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { samplingFlags } from '../terminal/sampling-flags.ts';
import { takesCheckpoints, target, threads } from '../terminal/shared-options.ts';

export interface RunCommand extends SamplingOptions, HowCompiled {
  readonly prompt?: string;
  readonly tokens?: readonly number[];
  readonly maxTokens: number;
  readonly target?: Target;
  readonly threads: number;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option('--prompt <TEXT>', 'text to start from (needs a tokenizer in the package)')
    .addOption(new Option('--tokens <IDS>', 'token ids to start from, such as 1,2,3').argParser(tokenIds('--tokens')))
    .addOption(
      new Option('--max-tokens <N>', 'most tokens to generate').default(128).argParser(wholeNumber('--max-tokens', 1)),
    );
  for (const flag of samplingFlags()) command.addOption(flag);
  takesCheckpoints(command)
    .addOption(target())
    .addOption(threads())
    .option('--json', 'print one JSON object')
    .action(run);
}

/**
 * Throws L305 unless exactly one of `prompt` and `tokens` is given, and the errors of loading and
 * generating (L401 to L408).
 */
export async function run(
  path: string,
  {
    prompt,
    tokens,
    target = usual.target,
    threads,
    json,
    maxTokens,
    quant,
    kv,
    context,
    ignore,
    ...sampling
  }: RunCommand,
): Promise<void> {
  const start = onlyOne(prompt, tokens);
  const how = { quant, kv, context, ignore, device: target, threads };
  const generating = { maxTokens, ...sampling };
  const { finish, ...observed } = observer();
  if (json) {
    const report = await runModel(path, start, { ...how, ...generating, ...observed, onFallback }).finally(finish);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const model = await loaded(path, { ...how, ...observed, onFallback }, { start }).finally(finish);
  const generation = model.generate(start, generating);
  await stream(generation, model.tokenizer !== null);
  process.stderr.write(`${summary(generation)}\n`);
}

/**
 * Writes pieces as they arrive, or ids with spaces between if the package has no tokenizer. Ends
 * the line.
 */
export async function stream(generation: Generation, asText: boolean): Promise<void> {
  let between = '';
  for await (const { token, text } of generation) {
    process.stdout.write(asText ? text : `${between}${token}`);
    between = ' ';
  }
  process.stdout.write('\n');
}

/** Speed and memory of a finished generation, in one line. */
export function summary({ stats, finishReason }: Generation): string {
  const memory =
    stats.peakBytes === stats.plannedBytes
      ? `memory ${bytes(stats.peakBytes)}, as planned`
      : `memory ${bytes(stats.peakBytes)}, but ${bytes(stats.plannedBytes)} were planned`;
  return [
    `${stats.promptTokens} prompt tokens at ${rate(stats.prefillTokensPerSecond)}`,
    `${stats.generatedTokens} generated at ${rate(stats.decodeTokensPerSecond)} (${finishReason})`,
    `first after ${stats.timeToFirstTokenMs.toFixed(0)} ms`,
    memory,
  ].join(' · ');
}

function onlyOne(prompt: string | undefined, tokens: readonly number[] | undefined): string | readonly number[] {
  if (prompt !== undefined && tokens !== undefined) {
    throw new LamellaError('L305', {
      option: '--tokens',
      reason: 'it cannot be given together with --prompt',
      remedy: 'one of them',
    });
  }
  const start = prompt ?? tokens;
  if (start !== undefined) return start;
  throw new LamellaError('L305', {
    option: '--prompt',
    reason: 'a start is missing',
    remedy: '--prompt TEXT or --tokens 1,2,3',
  });
}
