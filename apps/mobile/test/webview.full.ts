/**
 * The files of the native projects as a WebView opens them: a phone's width, touch, no cross-origin
 * isolation. Android uses `https://localhost`, answered from the app's files; iOS uses its own
 * scheme, for which Chromium only offers that of extensions.
 */
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { openShell } from '@lamella/hosts/custom-scheme';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyProject, inside, type Project } from './project.ts';

type Context = Awaited<ReturnType<typeof openShell>>['context'];

let project: Project;
beforeAll(async () => {
  project = await copyProject();
  await project.script('sync');
});
afterAll(() => project?.remove());

const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;

/** Opens the page, taps an example and checks the card. */
async function use(context: Context, address: string): Promise<void> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  await page.goto(address);
  expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
  await page.getByRole('button', { name: 'How do I get to the harbor in Zurich?' }).tap();
  await page.locator('article[aria-busy=false]').waitFor();
  expect(await page.locator('article dd').textContent()).toBe('the harbor in Zurich');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.getByRole('button', { name: 'WASM' }).tap();
  expect(await page.getByRole('dialog').textContent()).toContain('1 thread');
  await page.getByRole('button', { name: 'Close' }).tap();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(complaints).toEqual([]);
}

test('as on iOS: its own scheme', async () => {
  const shell = await openShell(join(project.path, inside.ios), phone);
  await use(shell.context, `${shell.origin}/index.html`);
  await shell.close();
});

test('as on Android: https://localhost, answered from the files of the app', async () => {
  const browser = await launchChromium();
  const context = await browser.newContext({ ...phone, serviceWorkers: 'block' });
  await context.route('https://localhost/**', (route) => {
    const path = new URL(route.request().url()).pathname;
    return route.fulfill({ path: join(project.path, inside.android, path === '/' ? 'index.html' : path) });
  });
  await use(context, 'https://localhost/');
  await browser.close();
});
