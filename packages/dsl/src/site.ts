/**
 * Where in the author's file a DSL call was written: the first stack frame outside this package. The stack is taken at the call (cheap)
 * and read only when a place is wanted, since most calls are repeats of a block body that is already known.
 */
import type { Site } from '@lamella/graph/ir';

/** A place, found on demand. */
export type Capture = () => Site | null;

/** Translates a position of a compiled file into one of the author's; null leaves it as it is. */
export type Locate = (frame: Site) => Site | null;

const here = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1);
/** The same as a path: vitest names frames by path, tsx by URL. */
const herePath = decodeURIComponent(here.replace(/^file:\/\//, ''));
let locate: Locate | null = null;

/** Runs `run`; sites that are read meanwhile are translated by `map`. For a loader that compiles the author's file itself. */
export function withLocate<T>(map: Locate, run: () => T): T {
  const outer = locate;
  locate = map;
  try {
    return run();
  } finally {
    locate = outer;
  }
}

/** Takes the place of the author's call that led here. */
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

/** The first frame of an error's stack that is not in this package, in the author's coordinates; null when there is none. */
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
