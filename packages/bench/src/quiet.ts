/** Waiting for others: two threads that meet at barriers lose ten times their speed to a neighbour who wants one of two cores. */
import { cpus } from 'node:os';

const WINDOW_MS = 200;
/** Of all cores. */
const IDLE = 0.9;

/** Returns once the machine has idled for a moment, or after `limitMs`. */
export async function quiet(limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (let before = times(); performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    const now = times();
    if (now.idle - before.idle >= IDLE * (now.all - before.all)) return;
    before = now;
  }
}

/** Of all cores since they started, ms. */
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
