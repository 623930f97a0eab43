/** `lamella profile`: measures a device (see `profile/profile.ts`), draws a table, writes a file. */
import { bytes } from '@lamella/report/units';
import { anyOf } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { openHost } from '../bench/hosts.ts';
import { networkPage } from '../bench/network-page.ts';
import { type DeviceProfile, type HostName, hostNames } from '../contract.ts';
import { mayReplace, writeText } from '../files.ts';
import { profile as measure } from '../profile/profile.ts';
import { isProfile } from '../profile/profile-file.ts';
import { choice, path, wholeNumber } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { on } from '../terminal/shared-options.ts';
import { type Align, heading, table } from '../terminal/table.ts';

export interface ProfileCommand {
  readonly host?: HostName;
  readonly on?: true;
  readonly threads?: readonly number[];
  readonly out?: string;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option('--host <HOST>', `${anyOf(hostNames)} (default: ${hostNames[0]})`).argParser(
        choice('--host', hostNames),
      ),
    )
    .addOption(on())
    .addOption(
      new Option(
        '--threads <LIST>',
        'numbers of threads, such as 1,2 (default: 1, 2, 4 and 8 up to the cores)',
      ).argParser((text: string) => text.split(',').map(wholeNumber('--threads', 1))),
    )
    .option('--out <FILE>', 'write the profile, for lamella inspect --device', path('--out'))
    .action(profile);
}

/**
 * Throws L301 before anything is measured if `out` is a file that is not a profile, L307 without
 * Chromium, L412 for threads that the host cannot start.
 */
export async function profile({ host: name = 'node', on, threads, out }: ProfileCommand): Promise<void> {
  if (out !== undefined) await mayReplace(out, isProfile);
  const { finish, onProgress } = observer();
  const host = on ? await networkPage((text) => process.stderr.write(text)) : await openHost(name, true);
  try {
    const measured = await measure(host, { threads, onProgress }).finally(finish);
    const tables = drawn(measured);
    await host.show?.({ line: 'done', share: 1, result: tables });
    if (out !== undefined) await writeText(out, `${JSON.stringify(measured, null, 2)}\n`, isProfile);
    process.stdout.write(tables);
  } finally {
    await host.close();
  }
}

/** The memory in one table, the kernels in another. */
function drawn({ device, engine, cores, fastMemoryBytes, threads, reads, kernels }: DeviceProfile): string {
  const right = (count: number): Align[] => Array.from({ length: count }, () => 'right');
  return [
    heading(`${device}: ${cores} threads at the same time; ${engine}`),
    '\n',
    heading('Plain reads of one thread, GB/s by working set'),
    table(
      [
        reads.map(({ workingSetBytes }) => bytes(workingSetBytes)),
        reads.map(({ gbPerSecond }) => gbPerSecond.toFixed(1)),
      ],
      right(reads.length),
    ),
    `  fast memory: ${bytes(fastMemoryBytes ?? 0)}; large models decode fastest with ${threads} ${threads === 1 ? 'thread' : 'threads'}\n`,
    '\n',
    heading('Kernels'),
    table(
      [
        ['format', 'threads', 'kernels', 'decode GMAC/s', 'prefill GMAC/s', 'weights GB/s', 'call us', 'barrier us'],
        ...kernels.map((each) => [
          each.quant,
          String(each.threads),
          each.kernels,
          each.decodeGmacs.toFixed(1),
          each.prefillGmacs?.toFixed(1) ?? '',
          each.weights
            .map(({ workingSetBytes, gbPerSecond }) => `${gbPerSecond.toFixed(1)} of ${bytes(workingSetBytes)}`)
            .join(', '),
          each.dispatchUs?.toFixed(2) ?? '',
          each.barrierUs?.toFixed(2) ?? '',
        ]),
      ],
      ['left', 'right', 'left', ...right(5)],
    ),
  ].join('');
}
