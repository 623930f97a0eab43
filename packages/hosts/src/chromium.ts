/** Starts Chromium without a window. Any recent version works. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { type Program, programPath, run } from './program.ts';

/**
 * Chromium's own pages, which a headless browser creates as well: the list below the address bar,
 * for example, is now a page. Each costs one more process per window, which computes for a second
 * and takes processor time from the test or measurement there.
 */
const ownPages = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup', 'PreloadTopChromeWebUI'];
/**
 * Chromium uses only the last --disable-features switch, so this repeats Playwright's: no upgrades
 * to HTTPS and no requests to Google.
 */
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

/** The switches of every Chromium that is started here. */
export const switches: readonly string[] = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  `--disable-features=${[...ownPages, ...unasked].join()}`,
];

/**
 * Starts a headless Chromium with the additional switches `args`. The caller closes it. L307 if
 * there is none and none could be installed.
 */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [...switches, ...args],
  });
}

/** The path of `$CHROMIUM`, of an installed Chromium, or of one installed now. L307. */
export function chromiumPath(): string {
  return programPath(program);
}

const program: Program = {
  name: 'Chromium',
  variable: 'CHROMIUM',
  // Paths of Debian, Ubuntu and Fedora, Google's package, and Playwright.
  usual: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', chromium.executablePath()],
  debian: ['chromium'],
  install() {
    process.stderr.write('installing Chromium with Playwright\n');
    const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js');
    run(process.execPath, cli, 'install', 'chromium');
  },
  remedy: 'CHROMIUM=PATH, or --host node',
};
