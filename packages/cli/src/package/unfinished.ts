/**
 * What is being written lies beside its target, under a name of its own, until it is whole. A run can be killed at any moment, and the next
 * one may get its process id (in a container every run is process 1). So the name also says on which machine and when that process
 * started: what a dead run left is told from what a live one writes, and the next run in that folder cleans it up.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Names beside a target. */
export interface Unfinished {
  /** For what is being written; of no use when its run is dead. */
  readonly partial: string;
  /** For what the target was, whole, while it makes room for the new one. */
  readonly old: string;
}

/** `.NAME.partial-MACHINE-PROCESS-START-COUNT`. */
const pattern = /^\.(.+)\.(partial|old)-([0-9a-f]{8})-(\d+)-(\d+)-\d+$/;
/** Whether a process of another machine or container lives cannot be asked. So one that does shows it, and who has not for long is dead. */
const sign = { everyMs: 5000, deadAfterMs: 60_000 };

const machine = createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 8);
const own = `${machine}-${process.pid}-${startOf(process.pid) ?? Math.round(performance.timeOrigin)}`;
let count = 0;

/** Fresh names beside `target`, an absolute path. */
export function unfinished(target: string): Unfinished {
  const name = (kind: keyof Unfinished) => join(dirname(target), `.${basename(target)}.${kind}-${own}-${count}`);
  count++;
  return { partial: name('partial'), old: name('old') };
}

/**
 * Cleans up after dead runs in `folder`: what they moved away and did not replace is put back, everything else of theirs is removed. What
 * cannot be cleaned up is left where it is.
 */
export async function cleanUp(folder: string): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, name, kind, host, pid, start] = pattern.exec(entry) ?? [];
    if (name === undefined) continue;
    const path = join(folder, entry);
    // Also where its run lives: that one finds its target taken and tries again (see `replaceFolder`).
    if (kind === 'old' && !(await isThere(join(folder, name)))) await rename(path, join(folder, name)).catch(() => {});
    else if (!(await isAlive(path, host!, Number(pid), Number(start)))) await remove(path).catch(() => {});
  }
}

const signals = [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

/**
 * Does `work`, which writes to `partial`. A signal that ends the process meanwhile calls `undo`, which must not wait for anything, before
 * the process goes.
 */
export async function whileUnfinished<T>(partial: string, undo: () => void, work: () => Promise<T>): Promise<T> {
  const signOfLife = setInterval(() => {
    const now = new Date();
    utimes(partial, now, now).catch(() => {}); // not there yet, or no more
  }, sign.everyMs);
  const handlers = signals.map(([signal, exitCode]) => {
    const end = () => {
      undo();
      process.exit(exitCode);
    };
    process.once(signal, end);
    return () => process.off(signal, end);
  });
  try {
    return await work();
  } finally {
    clearInterval(signOfLife);
    for (const off of handlers) off();
  }
}

async function isAlive(path: string, host: string, pid: number, start: number): Promise<boolean> {
  if (host !== machine) {
    const changed = await stat(path).catch(() => null);
    return changed !== null && Date.now() - changed.mtimeMs < sign.deadAfterMs;
  }
  if (pid === process.pid) return `${host}-${pid}-${start}` === own;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return (startOf(pid) ?? start) === start;
}

/** When a process started, in ticks since the machine did; null where the system does not say. */
function startOf(pid: number): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the second field is the command's name in parentheses, which may hold anything; the 22nd is the start
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return null;
  }
}

/** Process ids mean something within one of these only. */
function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
