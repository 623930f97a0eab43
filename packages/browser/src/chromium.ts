/**
 * Finding or installing Chromium, and starting it without a window. What runs in a browser is tested and measured in a real one; any
 * recent Chromium will do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { type Browser, chromium } from 'playwright-core';

/** Where Debian, Ubuntu, Fedora and Google put it. */
const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * Starts a headless Chromium. `args` are more of its own switches. The caller closes it. L307 when there is none and none could be
 * installed.
 */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', ...args],
  });
}

/** The program: `$CHROMIUM`, an installed one, or one that is installed now. L307. */
export function chromiumPath(): string {
  const named = process.env.CHROMIUM;
  if (named !== undefined && !existsSync(named)) throw none(`CHROMIUM names ${named}, which is not there`);
  return named ?? installed() ?? install();
}

function installed(): string | undefined {
  return [...usual, chromium.executablePath()].find((path) => existsSync(path));
}

/** Through apt as root on a Debian, which brings the libraries along; else Playwright's own build. Says so on stderr: it takes a while. */
function install(): string {
  const apt = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  process.stderr.write(`installing Chromium with ${apt ? 'apt-get' : 'Playwright'}\n`);
  if (apt) {
    run('apt-get', 'update', '-q');
    run('apt-get', 'install', '-q', '-y', '--no-install-recommends', 'chromium');
  } else {
    const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js');
    run(process.execPath, cli, 'install', 'chromium');
  }
  const path = installed();
  if (path === undefined) throw none('installing one did not work');
  return path;
}

/** Runs a command with its output on our stderr. A failure shows in that there is still no Chromium. */
function run(command: string, ...args: readonly string[]): void {
  spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] });
}

function none(reason: string): LamellaError {
  return new LamellaError('L307', { reason });
}
