/**
 * The studio as deployed: its build, below a sub-path of a static server, and a user's actions in
 * its page.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { launchChromium } from '@lamella/hosts/chromium';
import { type Site, serve } from '@lamella/hosts/serve';

export type Browser = Awaited<ReturnType<typeof launchChromium>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const build = fileURLToPath(new URL('../dist', import.meta.url));
/** The studio's path on the test's server. */
export const base = '/below/a/path/';

/** Builds the studio if it has changed since the last build. */
export async function buildStudio(): Promise<void> {
  const command = ['turbo', 'run', 'build', '--filter=@lamella/studio', '--output-logs=errors-only'];
  await promisify(execFile)('npx', command, { cwd: root });
}

export function serveStudio(): Promise<Site> {
  return serve({ [base]: { folder: build } });
}

/** Opens it; errors and warnings of the page and its workers go into `complaints`. */
export async function openStudio(
  browser: Browser,
  site: Site,
  complaints: string[],
  { width = 1280, height = 800, colorScheme = 'light' as 'light' | 'dark', address = site.origin + base } = {},
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  page.setDefaultTimeout(300_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(`${site.origin}${base}`))
      complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

/** Waits for the results of the last edit. */
export async function settled(page: Page, state: 'good' | 'fault'): Promise<void> {
  await page.locator(`#status[data-state=${state}]`).waitFor();
}

/** Opens a template and waits for its picture. */
export async function choose(page: Page, name: string): Promise<void> {
  await page.locator('#template').selectOption(`graphs/${name}.ts`);
  await page.locator('#pictures h2.name', { hasText: name }).waitFor({ state: 'attached' });
  await settled(page, 'good');
}

/** Replaces the whole file. */
export async function write(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
}

/**
 * Replaces `from` by `to` in the file, at or below the visible part, as a user would: by scrolling,
 * selecting and typing.
 */
export async function replace(page: Page, from: string, to: string): Promise<void> {
  // The editor only creates the visible lines, and none before it is visible.
  for (let i = 0; i < 20 && (await page.locator('.cm-line', { hasText: from }).count()) === 0; i++) {
    await page.locator('.cm-scroller').evaluate((editor) => editor.scrollBy(0, editor.clientHeight / 2));
    await page.waitForTimeout(50);
  }
  await page.evaluate((from) => {
    const walker = document.createTreeWalker(document.querySelector('.cm-content')!, NodeFilter.SHOW_TEXT);
    const line = [...document.querySelectorAll('.cm-line')].find(({ textContent }) => textContent?.includes(from))!;
    const start = line.textContent!.indexOf(from);
    const range = document.createRange();
    let at = 0;
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      if (!line.contains(text)) continue;
      const length = text.textContent!.length;
      if (start >= at && start < at + length) range.setStart(text, start - at);
      if (start + from.length > at && start + from.length <= at + length) range.setEnd(text, start + from.length - at);
      at += length;
    }
    (document.querySelector('.cm-content') as HTMLElement).focus();
    getSelection()!.removeAllRanges();
    getSelection()!.addRange(range);
  }, from);
  await page.waitForTimeout(50);
  await page.keyboard.insertText(to);
}

/** Problems as they are listed. */
export function problems(page: Page): Promise<string[]> {
  return page
    .locator('.problem')
    .evaluateAll((all) => all.map((each) => [...each.children].map(({ textContent }) => textContent).join(' | ')));
}

/** Lines that have a mark in the gutter. */
export function markedLines(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const top = (element: Element) => Math.round(element.getBoundingClientRect().top);
    const numbers = new Map(
      [...document.querySelectorAll('.cm-lineNumbers .cm-gutterElement')].map((e) => [top(e), Number(e.textContent)]),
    );
    return [...document.querySelectorAll('.cm-lint-marker-error')].map(
      (mark) => numbers.get(top(mark.closest('.cm-gutterElement')!)) ?? -1,
    );
  });
}
