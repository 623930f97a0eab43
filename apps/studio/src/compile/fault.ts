/** Converts an error in the author's file to the form that the page shows. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Fault } from './protocol.ts';

export function faultOf(error: unknown): Fault {
  if (!(error instanceof LamellaError)) {
    const message = `the compiler failed, which is a defect of the compiler: ${error instanceof Error ? error.message : String(error)}`;
    return { code: null, message, line: null, column: null };
  }
  const { code, message, site } = error;
  // The line number is shown separately.
  const shown = site
    ? message.replace(` (${site.file}:${site.line}:${site.column})`, '').replace(/,(?=\. Try )|,$/, '')
    : message;
  return { code, message: shown, line: site?.line ?? null, column: site?.column ?? null };
}
