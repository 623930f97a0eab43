/**
 * Runs a page in a separate browser, started like by a user. It uses no debugger, which would hold
 * every response in the page's process and count as its memory, and which no library supports for
 * every browser. So the page reports its result by a request.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { chromiumPath, switches } from './chromium.ts';
import { programPath } from './program.ts';

/** Starts a browser with its profile in an empty folder, at an address. */
export type Alone = (profile: string, url: string) => Promise<ChildProcess>;

export const chromiumAlone: Alone = async (profile, url) => {
  const flags = [...switches, '--headless', '--disable-gpu', '--no-first-run'];
  return spawn(chromiumPath(), [...flags, `--user-data-dir=${profile}`, url], { stdio: 'ignore' });
};

/** Firefox from `$FIREFOX`, an installed one, or one installed now. L307. */
export const firefoxAlone: Alone = async (profile, url) => {
  const path = programPath({
    name: 'Firefox',
    variable: 'FIREFOX',
    usual: [
      '/usr/bin/firefox-esr',
      '/usr/bin/firefox',
      '/Applications/Firefox.app/Contents/MacOS/firefox',
      'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
    ],
    debian: ['firefox-esr'],
    install: null,
    remedy: 'installing it, or FIREFOX=PATH',
  });
  // Disables the pages that greet or ask.
  const settings = ['browser.aboutwelcome.enabled', 'datareporting.policy.dataSubmissionEnabled', 'app.update.enabled'];
  await writeFile(join(profile, 'user.js'), settings.map((name) => `user_pref("${name}", false);\n`).join(''));
  return spawn(path, ['--headless', '--no-remote', '--profile', profile, url], { stdio: 'ignore' });
};

/** Keeps `url` open while `until` runs, which receives the id of the browser's process. */
export async function openAlone<T>(browser: Alone, url: string, until: (pid: number) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'lamella-browser-'));
  const running = await browser(profile, url);
  try {
    return await until(running.pid!);
  } finally {
    const gone = once(running, 'exit');
    running.kill();
    await gone;
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** A server that receives the result of one page. */
export interface Listener<T> {
  /**
   * For the fragment of the page's address: JSON of `order`, and of `answerTo`, the address to
   * which the page posts `{ said }` or `{ failed }`.
   */
  hash(order: object): string;
  /** The page's result. Rejects with the page's failure, or if nothing arrives in `patienceMs`. */
  readonly said: Promise<T>;
  close(): void;
}

export async function openListener<T>(patienceMs: number): Promise<Listener<T>> {
  const server = createServer();
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const answerTo = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const listen = async (): Promise<T> => {
    const [request, response] = await once(server, 'request', { signal: AbortSignal.timeout(patienceMs) }).catch(() => {
      throw new Error(`the page sent no result in ${patienceMs / 1000} s`);
    });
    const { said, failed } = JSON.parse(await text(request)) as { said: T; failed?: string };
    response.setHeader('Access-Control-Allow-Origin', '*').end();
    if (failed !== undefined) throw new Error(failed);
    return said;
  };
  const said = listen();
  // A caller that gives up earlier does not await this promise; its rejection must not be uncaught.
  said.catch(() => {});
  return {
    hash: (order) => encodeURIComponent(JSON.stringify({ order, answerTo })),
    said,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
