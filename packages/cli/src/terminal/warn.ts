/** Prints warnings about a graph on stderr. They stop nothing, and stdout is left to `--json`. */
import type { LamellaError } from '../api/lamella-error.ts';
import { codeFrame } from './code-frame.ts';

/** Prints each warning with the author's line. */
export function warn(warnings: readonly Pick<LamellaError, 'message' | 'site'>[]): void {
  for (const { message, site } of warnings) {
    const text = `warning: ${message}`;
    process.stderr.write(`${site ? codeFrame(site, text) : text}\n`);
  }
}
