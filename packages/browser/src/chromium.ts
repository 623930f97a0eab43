/** Chromium without a window. Any recent one will do. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { type Program, programPath, run } from './program.ts';

/** What every Chromium here is started with. */
export const switches: readonly string[] = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
];

/**
 * Starts a headless Chromium. `args` are more of its own switches. The caller closes it. L307 when there is none and none could be
 * installed.
 */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [...switches, ...args],
  });
}

/** The program: `$CHROMIUM`, an installed one, or one that is installed now. L307. */
export function chromiumPath(): string {
  return programPath(program);
}

const program: Program = {
  name: 'Chromium',
  variable: 'CHROMIUM',
  // Debian, Ubuntu, Fedora, Google's own, Playwright's
  usual: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', chromium.executablePath()],
  debian: 'chromium',
  install() {
    process.stderr.write('installing Chromium with Playwright\n');
    const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js');
    run(process.execPath, cli, 'install', 'chromium');
  },
  remedy: 'CHROMIUM=PATH, or --host node',
};
