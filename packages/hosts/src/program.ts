/** Finding a browser, or installing it: what runs in one is tested and measured in a real one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { LamellaError } from '@lamella/graph/diagnostics';

export interface Program {
  readonly name: string;
  /** The environment variable that names one. */
  readonly variable: string;
  /** Where systems put it. */
  readonly usual: readonly string[];
  /** Debian's package. */
  readonly debian: string;
  /** Installs it where there is no apt, or nobody may use it; null for a program that then is the user's to install. */
  readonly install: (() => void) | null;
  /** What else a user can do. */
  readonly remedy: string;
}

/** The path of the program: the one that is named, one that is there, or one that is installed now. L307. */
export function programPath(program: Program): string {
  const { name, variable, remedy } = program;
  const none = (reason: string) => new LamellaError('L307', { name, reason, remedy });
  const named = process.env[variable];
  if (named !== undefined && !existsSync(named)) throw none(`${variable} names ${named}, which is not there`);
  const found = named ?? installed(program) ?? install(program);
  if (found === undefined) throw none('installing one did not work');
  return found;
}

function installed({ usual }: Program): string | undefined {
  return usual.find((path) => existsSync(path));
}

/** Through apt as root on a Debian, which brings the libraries along. Says so on stderr: it takes a while. */
function install(program: Program): string | undefined {
  const { name, debian } = program;
  const apt = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (apt) {
    process.stderr.write(`installing ${name} with apt-get\n`);
    run('apt-get', 'update', '-q');
    run('apt-get', 'install', '-q', '-y', '--no-install-recommends', debian);
  } else program.install?.();
  return installed(program);
}

/** Runs a command with its output on our stderr. A failure shows in that the program is still not there. */
export function run(command: string, ...args: readonly string[]): void {
  spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] });
}
