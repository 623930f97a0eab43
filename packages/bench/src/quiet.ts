/**
 * Waits for a quiet machine: on two cores, two threads that meet at barriers become ten times
 * slower when another process needs a core.
 */
import { cpus } from 'node:os';

const WINDOW_MS = 200;
/** As a share of all cores. */
const IDLE = 0.9;

/** Returns after the machine has been idle for a moment, or after `limitMs`. */
export async function quiet(limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (let before = times(); performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    const now = times();
    if (now.idle - before.idle >= IDLE * (now.all - before.all)) return;
    before = now;
  }
}

/** Sums over all cores since the start of the system, ms. */
function times(): { readonly idle: number; readonly all: number } {
  const each = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    idle,
    all: user + nice + sys + idle + irq,
  }));
  return { idle: sum(each.map(({ idle }) => idle)), all: sum(each.map(({ all }) => all)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
