/** Warnings about a graph, on stderr: they stop nothing, and `--json` keeps stdout to itself. */
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
