/** Opens a page in a newly started Chromium and measures its memory. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { chromiumAlone, openAlone, openListener } from '@lamella/hosts/alone';

export interface Visit<T> {
  readonly said: T;
  /**
   * Peak resident memory of the largest page process, `VmHWM` of proc(5); NaN on systems without
   * that file.
   */
  readonly peakBytes: number;
}

const PATIENCE_MS = 90_000;

/**
 * By then a new window is complete and its process has stopped growing; after one second, half of
 * its code was still missing.
 */
const SETTLED_MS = 4000;

/** Opens `about:blank` until it has settled, or until there is a process to measure. */
export function visitBlank(): Promise<Visit<void>> {
  return visit('about:blank', async (pid) => {
    for (let waited = 0; waited < SETTLED_MS || (Number.isNaN(largestPage(pid)) && waited < 20_000); waited += 500)
      await setTimeout(500);
  });
}

/**
 * Opens `url` with `order` and a callback address, both as JSON, after its #. Throws the error that
 * the page reports.
 */
export async function visitAlone<T>(url: string, order: object): Promise<Visit<T>> {
  const listener = await openListener<T>(PATIENCE_MS);
  try {
    return await visit(`${url}#${listener.hash(order)}`, () => listener.said);
  } finally {
    listener.close();
  }
}

function visit<T>(url: string, until: (pid: number) => Promise<T>): Promise<Visit<T>> {
  return openAlone(chromiumAlone, url, async (pid) => ({ said: await until(pid), peakBytes: largestPage(pid) }));
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

/** Processes may end while they are read. */
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
