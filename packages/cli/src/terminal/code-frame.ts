/**
 * A diagnostic beside the line that caused it. The graph comes from running the author's file, so a place is a line and a column; this
 * shows them as the author's own text. The file is read as lines and not parsed: a frame must also work for a file that does not parse.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Site } from '@lamella/graph/ir';

/**
 * `message`, and under it the line at `site` with its neighbours and a caret. Only the message when the file cannot be read or is
 * shorter than the site says. Lines end where the author's do; columns count UTF-16 units, as stack traces do.
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

/** Carets under the name that starts at `column`; tabs are kept, so that they line up in any terminal. */
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
