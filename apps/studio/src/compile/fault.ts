/** An error of the author's, as the page shows it. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Fault } from './protocol.ts';

export function faultOf(error: unknown): Fault {
  if (!(error instanceof LamellaError)) {
    const message = `the compiler failed, which is its own defect: ${error instanceof Error ? error.message : String(error)}`;
    return { code: null, message, line: null, column: null };
  }
  const { code, message, site } = error;
  // The line stands beside it already.
  const shown = site
    ? message.replace(` (${site.file}:${site.line}:${site.column})`, '').replace(/,(?=\. Try )|,$/, '')
    : message;
  return { code, message: shown, line: site?.line ?? null, column: site?.column ?? null };
}
