/**
 * The app as deployed: its build, below a sub-path of a static server, and its pages in a browser.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { launchChromium } from '@lamella/hosts/chromium';
import { type Content, type ServeOptions, type Site, serve } from '@lamella/hosts/serve';

export type Browser = Awaited<ReturnType<typeof launchChromium>>;
export type Context = Awaited<ReturnType<Browser['newContext']>>;
export type Page = Awaited<ReturnType<Context['newPage']>>;

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const assistant = fileURLToPath(new URL('../package', import.meta.url));
export const build = fileURLToPath(new URL('../dist', import.meta.url));
/** The app's path on the test's server. */
export const base = '/below/a/path/';

/** Runs the compiler's command in the project's root. */
export async function lamella(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('npx', ['lamella', ...args], { cwd: root });
}

/** Builds the app if it has changed since the last build. */
export async function buildApp(): Promise<void> {
  const command = ['turbo', 'run', 'build', '--filter=@lamella/assistant', '--output-logs=errors-only'];
  await promisify(execFile)('npx', command, { cwd: root });
}

/** Serves the build, and further content. */
export function serveApp(options: ServeOptions = {}, more: Readonly<Record<string, Content>> = {}): Promise<Site> {
  return serve({ [base]: { folder: build }, ...more }, options);
}

/** The package's answers in Node. */
export async function answers(requests: readonly string[]): Promise<string[]> {
  // The build has compiled it.
  const { load } = await import('../package/index.js');
  const model = await load();
  const texts: string[] = [];
  for (const request of requests) {
    const generation = model.generate(request);
    for await (const _ of generation);
    texts.push(generation.text);
  }
  model.dispose();
  return texts;
}

/** Sends a request, and waits for the end of the answer. */
export async function ask(page: Page, request: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Your request' }).fill(request);
  const before = await page.locator('article').count();
  await page.keyboard.press('Enter');
  await page.locator('article').nth(before).and(page.locator('[aria-busy=false]')).waitFor();
}
