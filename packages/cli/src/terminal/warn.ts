/** Prints warnings about a graph on stderr. They stop nothing, and stdout is left to `--json`. */
import type { Graph } from '@lamella/graph/ir';
import { warnings } from '@lamella/graph/warnings';
import { codeFrame } from './code-frame.ts';

/** Prints each warning of `graph` with the author's line. */
export function warn(graph: Graph): void {
  for (const { message, site } of warnings(graph)) {
    const text = `warning: ${message}`;
    process.stderr.write(`${site ? codeFrame(site, text) : text}\n`);
  }
}
