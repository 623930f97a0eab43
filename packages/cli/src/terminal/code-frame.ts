/**
 * Shows a diagnostic with the line that caused it. A place is a line and a column, because the
 * graph comes from running the author's file; this shows the author's own text. The file is read as
 * lines, not parsed, so that it works for a file with syntax errors.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Site } from '@lamella/graph/ir';

/**
 * `message`, and below it the line at `site` with its neighbours and a caret. Only the message if
 * the file cannot be read or has fewer lines than `site`. Columns count UTF-16 units, like stack
 * traces.
 */
export function codeFrame(site: Site, message: string): string {
  const lines = read(site.file)?.split(/\r?\n/);
  const line = lines?.[site.line - 1];
  if (!lines || line === undefined) return message;
  const last = Math.min(site.line + 1, lines.length);
  const digits = String(last).length;
  const row = (mark: string, number: string, text: string) => `${mark} ${number.padStart(digits)} | ${text}`.trimEnd();
  const frame = [];
  for (let at = Math.max(1, site.line - 1); at <= last; at++) {
    frame.push(row(at === site.line ? '>' : ' ', String(at), lines[at - 1] ?? ''));
    if (at === site.line) frame.push(row(' ', '', caret(line, site.column)));
  }
  return [message, '', ...frame].join('\n');
}

/**
 * Carets under the name that starts at `column`. Tabs are kept, so that the carets line up in any
 * terminal.
 */
function caret(line: string, column: number): string {
  const name = /^[\w$.]+/.exec(line.slice(column - 1))?.[0] ?? ' ';
  return line.slice(0, column - 1).replace(/[^\t]/g, ' ') + '^'.repeat(name.length);
}

function read(file: string): string | null {
  try {
    return readFileSync(file.startsWith('file:') ? fileURLToPath(file) : file, 'utf8');
  } catch {
    return null;
  }
}
