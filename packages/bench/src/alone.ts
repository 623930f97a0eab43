/**
 * A page in a Chromium of its own, started as a user starts it: without a debugger, which would hold every response in the page's process
 * and count as its memory. So the page says what it found by a request.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { chromiumPath } from '@lamella/browser/chromium';

export interface Visit<T> {
  readonly said: T;
  /** Peak resident memory of the largest page process, `VmHWM` of proc(5); NaN where the system has no such file. */
  readonly peakBytes: number;
}

const PATIENCE_MS = 120_000;

/** Opens `about:blank` for a second. */
export function visitBlank(): Promise<Visit<void>> {
  return visit('about:blank', () => setTimeout(1000));
}

/** Opens `url` with `order` and an address to answer to, both as JSON, behind its #. Throws what the page could not do. */
export async function visitAlone<T>(url: string, order: object): Promise<Visit<T>> {
  const server = createServer();
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const ear = `http://localhost:${(server.address() as AddressInfo).port}/`;
  try {
    return await visit(`${url}#${encodeURIComponent(JSON.stringify({ order, ear }))}`, async () => {
      const [request, response] = await once(server, 'request', { signal: AbortSignal.timeout(PATIENCE_MS) });
      const { said, failed } = JSON.parse(await text(request)) as { said: T; failed?: string };
      response.setHeader('Access-Control-Allow-Origin', '*').end();
      if (failed !== undefined) throw new Error(failed);
      return said;
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function visit<T>(url: string, until: () => Promise<T>): Promise<Visit<T>> {
  const profile = await mkdtemp(join(tmpdir(), 'lamella-bench-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = spawn(chromiumPath(), [...flags, `--user-data-dir=${profile}`, url], { stdio: 'ignore' });
  try {
    const said = await until();
    return { said, peakBytes: largestPage(browser.pid!) };
  } finally {
    const gone = once(browser, 'exit');
    browser.kill();
    await gone;
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function largestPage(root: number): number {
  const isBelow = (pid: string): boolean => {
    const parent = /PPid:\s+(\d+)/.exec(read(pid, 'status'))?.[1] ?? '0';
    return parent === String(root) || (parent !== '0' && isBelow(parent));
  };
  const peaks = list('/proc')
    .filter((pid) => read(pid, 'cmdline').includes('--type=renderer') && isBelow(pid))
    .map((pid) => 1024 * Number(/VmHWM:\s+(\d+)/.exec(read(pid, 'status'))?.[1]));
  return peaks.length === 0 ? Number.NaN : Math.max(...peaks);
}

/** Processes end while they are looked at. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
