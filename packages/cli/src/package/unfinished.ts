/**
 * Unfinished output lies beside its target, under a unique name, until it is complete. A run can be
 * killed at any moment, and a later run may get its process id (in a container every run is process
 * 1). So the name also contains the machine and the start time of the process: these distinguish
 * the remains of a dead run from the files of a live one, and the next run in that folder removes
 * the remains.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Names beside a target. */
export interface Unfinished {
  /** The output while it is being written; useless once its run is dead. */
  readonly partial: string;
  /** The complete old target while the new one takes its place. */
  readonly old: string;
}

/** `.NAME.partial-MACHINE-PROCESS-START-COUNT`. */
const pattern = /^\.(.+)\.(partial|old)-([0-9a-f]{8})-(\d+)-(\d+)-\d+$/;
/**
 * A process of another machine or container cannot be tested for life. So a live run updates its
 * file's time, and a file that is too old belongs to a dead run.
 */
const sign = { everyMs: 5000, deadAfterMs: 60_000 };

const machine = createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 8);
const own = `${machine}-${process.pid}-${startOf(process.pid) ?? Math.round(performance.timeOrigin)}`;
let count = 0;

/** New names beside `target`, an absolute path. */
export function unfinished(target: string): Unfinished {
  const name = (kind: keyof Unfinished) => join(dirname(target), `.${basename(target)}.${kind}-${own}-${count}`);
  count++;
  return { partial: name('partial'), old: name('old') };
}

/**
 * Cleans up after dead runs in `folder`: restores targets that they moved away and did not replace,
 * and removes everything else of theirs. Whatever cannot be cleaned up stays.
 */
export async function cleanUp(folder: string): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, name, kind, host, pid, start] = pattern.exec(entry) ?? [];
    if (name === undefined) continue;
    const path = join(folder, entry);
    // Also while its run lives: that run then finds its target taken and tries again (see
    // `replaceFolder`).
    if (kind === 'old' && !(await isThere(join(folder, name)))) await rename(path, join(folder, name)).catch(() => {});
    else if (!(await isAlive(path, host!, Number(pid), Number(start)))) await remove(path).catch(() => {});
  }
}

const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** How to undo each output that is being written. */
const undoing = new Set<() => void>();

function undoAll(): void {
  for (const undo of undoing) undo();
  undoing.clear();
}

/** Ends the process by the signal, unless the program listens to it as well. */
function end(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  undoAll();
  process.off(signal, end);
  process.kill(process.pid, signal);
}

/**
 * Does `work`, which writes to `partial`. If the process ends meanwhile, `undo` is called first; it
 * must be synchronous. A signal ends the process, unless the program listens to it: then the
 * program decides, and `work` goes on until the process ends.
 */
export async function whileUnfinished<T>(partial: string, undo: () => void, work: () => Promise<T>): Promise<T> {
  const signOfLife = setInterval(() => {
    const now = new Date();
    utimes(partial, now, now).catch(() => {}); // not there yet, or no more
  }, sign.everyMs);
  if (undoing.size === 0) {
    for (const signal of signals) process.on(signal, end);
    process.on('exit', undoAll);
  }
  undoing.add(undo);
  try {
    return await work();
  } finally {
    clearInterval(signOfLife);
    undoing.delete(undo);
    if (undoing.size === 0) {
      for (const signal of signals) process.off(signal, end);
      process.off('exit', undoAll);
    }
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

/**
 * The start of a process, in ticks since the machine started; null if the system does not provide
 * it.
 */
function startOf(pid: number): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command's name in parentheses, which may contain anything; the 22nd
    // is the start.
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return null;
  }
}

/** The namespace within which process ids are unique. */
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
