/** Finds a browser or another program of the system, or installs it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { LamellaError } from '@lamella/graph/diagnostics';

export interface Program {
  readonly name: string;
  /** The environment variable with its path. */
  readonly variable: string;
  /** The usual paths on each system. */
  readonly usual: readonly string[];
  /** Debian's packages; `name:architecture` for one of another architecture. */
  readonly debian: readonly string[];
  /** Installs it if apt is missing or not permitted; null if the user must install it. */
  readonly install: (() => void) | null;
  /** What else a user can do. */
  readonly remedy: string;
}

/**
 * The path of the program: the one in the variable, an installed one, or one installed now. L307.
 */
export function programPath(program: Program): string {
  const { name, variable, remedy } = program;
  const none = (reason: string) => new LamellaError('L307', { name, reason, remedy });
  const named = process.env[variable];
  if (named !== undefined && !existsSync(named)) throw none(`${variable} names ${named}, which does not exist`);
  const found = named ?? installed(program) ?? install(program);
  if (found === undefined) throw none('installing one did not work');
  return found;
}

function installed({ usual }: Program): string | undefined {
  return usual.find((path) => existsSync(path));
}

/**
 * Installs through apt if this is root on Debian, which also installs the libraries. Prints a line
 * on stderr, because it takes a while.
 */
function install(program: Program): string | undefined {
  const { name, debian } = program;
  const apt = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (apt) {
    process.stderr.write(`installing ${name} with apt-get\n`);
    for (const architecture of debian.flatMap((each) => each.split(':').slice(1)))
      run('dpkg', '--add-architecture', architecture);
    run('apt-get', 'update', '-q');
    run('apt-get', 'install', '-q', '-y', '--no-install-recommends', ...debian);
  } else program.install?.();
  return installed(program);
}

/**
 * Runs a command with its output on stderr. A failure shows later: the program is still missing.
 */
export function run(command: string, ...args: readonly string[]): void {
  spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] });
}
