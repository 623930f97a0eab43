/** Chromium without a window. Any recent one will do. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { type Program, programPath, run } from './program.ts';

/**
 * A browser without a window has the window's parts all the same, and the list below the address is a page by now: one more process for every
 * window, which computes for a second, while whatever is tested or measured in that window has to share the processor with it.
 */
const ownPages = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup', 'PreloadTopChromeWebUI'];
/** Chromium follows the last list it is given, so these are what Playwright's own would have said: nothing over HTTPS or to Google unasked. */
const unasked = [
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'AimEnabled',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
];

/** What every Chromium here is started with. */
export const switches: readonly string[] = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  `--disable-features=${[...ownPages, ...unasked].join()}`,
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
