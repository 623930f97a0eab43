/** Prints a line on stderr if another device computes than the first choice. */
import type { Fallback } from '@lamella/runtime/api';

export function onFallback({ tried, reason, running }: Fallback): void {
  process.stderr.write(`${tried} cannot be used: ${reason}; ${running.device} computes\n`);
}
