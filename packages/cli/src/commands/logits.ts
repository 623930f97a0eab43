/** `lamella logits`: prints logits, for comparing a package with another implementation. */
import { type Target, usual } from '@lamella/runtime/choices';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import { type Command, Option } from 'commander';
import { logits as logitsOf } from '../api/run.ts';
import type { LogitsReport } from '../contract.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { onFallback } from '../terminal/fallback.ts';
import { tokenIds } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { takesCheckpoints, target, threads } from '../terminal/shared-options.ts';
import { table } from '../terminal/table.ts';

export interface LogitsCommand extends HowCompiled {
  readonly tokens: readonly number[];
  readonly target?: Target;
  readonly threads: number;
  readonly all?: true;
  readonly json?: true;
}

export function define(command: Command): void {
  command.addOption(
    new Option('--tokens <IDS>', 'token ids, such as 1,2,3').argParser(tokenIds('--tokens')).makeOptionMandatory(),
  );
  takesCheckpoints(command)
    .addOption(target())
    .addOption(threads())
    .option('--all', 'of every position, not only the last')
    .option('--json', 'print one JSON object')
    .action(logits);
}

const shown = 8;

/** Without `--json`: the largest logits of each requested position. */
export async function logits(
  path: string,
  { tokens, target = usual.target, threads, all, json, ...how }: LogitsCommand,
): Promise<void> {
  if (tokens.length === 0) throw new PackageError('L401');
  const { finish, ...observed } = observer();
  const options = { ...how, ...observed, onFallback, device: target, threads };
  const report: LogitsReport = await (all
    ? logitsOf(path, tokens, { ...options, all })
    : logitsOf(path, tokens, options)
  ).finally(finish);
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const positions = (all ? report.logits : [report.logits]) as readonly (readonly number[])[];
  const first = tokens.length - positions.length;
  positions.forEach((position, i) => {
    process.stdout.write(`after token ${first + i} (id ${tokens[first + i]}):\n`);
    process.stdout.write(table(largest(position), ['right', 'right']));
  });
}

/** Id and logit of the largest logits, best first. */
function largest(logits: readonly number[]): string[][] {
  return [...logits.keys()]
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, shown)
    .map((id) => [String(id), logits[id]!.toFixed(4)]);
}
