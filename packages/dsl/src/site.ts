/**
 * The place of a DSL call in the author's file: the first stack frame outside this package. The
 * stack is captured at the call, which is cheap, and parsed only when the place is needed, because
 * most calls come from repeated traces of a block body.
 */
import type { Site } from '@lamella/graph/ir';

/** Returns the place of a call; parses the stack at the first use. */
export type Capture = () => Site | null;

/** Maps a position in a compiled file to the author's file; null keeps the position. */
export type Locate = (frame: Site) => Site | null;

const here = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1);
/** `here` as a path: vitest's stack frames have paths, tsx's have URLs. */
const herePath = pathOf(here);
let locate: Locate | null = null;

/**
 * Runs `run` with positions mapped by `map`, for a loader that compiles the author's file itself.
 */
export function withLocate<T>(map: Locate, run: () => T): T {
  const outer = locate;
  locate = map;
  try {
    return run();
  } finally {
    locate = outer;
  }
}

/** Captures the place of the author's call. */
export function capture(): Capture {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const error = new Error();
  Error.stackTraceLimit = limit;
  let site: Site | null | undefined;
  return () => {
    site ??= authorFrame(error);
    return site;
  };
}

/** Stack frames of V8, for a call in a function and elsewhere, and of other engines. */
const frames = [
  /^\s*at [^(]* \((.+):(\d+):(\d+)\)$/,
  /^\s*at (?:async )?(.+):(\d+):(\d+)$/,
  /^[^@]*@(.+):(\d+):(\d+)$/,
];

/**
 * The first frame of an error's stack outside this package, mapped to the author's file; null if
 * there is none.
 */
export function authorFrame(error: Error): Site | null {
  for (const line of (error.stack ?? '').split('\n')) {
    const [, file, row, column] = frames.map((frame) => frame.exec(line)).find((found) => found !== null) ?? [];
    if (!file || file.startsWith('node:') || file.startsWith(here) || slashed(file).startsWith(herePath)) continue;
    const frame = { file, line: Number(row), column: Number(column) };
    const found = locate?.(frame) ?? frame;
    return { ...found, file: fromWorkingFolder(found.file) };
  }
  return null;
}

/**
 * The path or the `file:` URL of a file as the author would type it: as a path, relative to the
 * working folder `cwd` when it is inside. Both may be of Windows.
 */
export function fromWorkingFolder(file: string, cwd = globalThis.process?.cwd() ?? ''): string {
  const path = pathOf(file);
  const folder = `${slashed(cwd)}/`;
  return slashed(path).startsWith(folder) ? path.slice(folder.length) : path;
}

/**
 * The path in a `file:` URL; a path stays. `node:url` has a function for this, and this file also
 * runs in pages.
 */
function pathOf(file: string): string {
  const [, server, rest] = /^file:\/\/([^/]*)(.*)$/.exec(file) ?? [];
  if (rest === undefined) return file;
  const path = decodeURIComponent(rest);
  if (server) return `//${server}${path}`;
  return path.replace(/^\/(?=[A-Za-z]:\/)/, '');
}

/** A path of Windows with slashes; another path stays, and may have backslashes in its names. */
function slashed(path: string): string {
  return /^(?:[A-Za-z]:|\\)\\/.test(path) ? path.replaceAll('\\', '/') : path;
}
