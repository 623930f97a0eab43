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
const herePath = decodeURIComponent(here.replace(/^file:\/\//, ''));
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

/**
 * The first frame of an error's stack outside this package, mapped to the author's file; null if
 * there is none.
 */
export function authorFrame(error: Error): Site | null {
  for (const line of (error.stack ?? '').split('\n')) {
    // `at call (file:1:2)` in V8, `call@file:1:2` elsewhere
    const match = /^(?:\s*at (?:[^(]* \()?|[^@]*@)(.+):(\d+):(\d+)\)?$/.exec(line);
    const [, file, row, column] = match ?? [];
    if (!file || file.startsWith('node:') || file.startsWith(here) || file.startsWith(herePath)) continue;
    const frame = { file, line: Number(row), column: Number(column) };
    const found = locate?.(frame) ?? frame;
    return { ...found, file: fromWorkingFolder(found.file) };
  }
  return null;
}

/** A path as the author would type it: relative to the working folder when it is inside. */
function fromWorkingFolder(file: string): string {
  const path = file.startsWith('file://') ? decodeURIComponent(file.slice('file://'.length)) : file;
  const folder = `${globalThis.process?.cwd() ?? ''}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}
