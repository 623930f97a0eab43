/**
 * Converts an error in the author's file, or in a file that it imports, to the form that the page
 * shows.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Fault } from './protocol.ts';

export function faultOf(error: unknown, file?: string): Fault {
  if (!(error instanceof LamellaError)) {
    const message = `the compiler failed, which is a defect of the compiler: ${error instanceof Error ? error.message : String(error)}`;
    return { code: null, message, line: null, column: null };
  }
  const { code, message, site } = error;
  // The editor shows only this file: a place in an imported file stays in the message.
  if (site && file !== undefined && site.file !== file) return { code, message, line: null, column: null };
  // The line number is shown separately.
  const shown = site
    ? message.replace(` (${site.file}:${site.line}:${site.column})`, '').replace(/,(?=\. Try )|,$/, '')
    : message;
  return { code, message: shown, line: site?.line ?? null, column: site?.column ?? null };
}
