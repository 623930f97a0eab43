/**
 * Runs the author's file in a worker and takes the graph that it exports, as `lamella check` does
 * in Node. Types are stripped, the only importable module is this page's DSL, and positions are
 * mapped back to the author's text.
 */
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import * as dsl from '@lamella/dsl';
import { exportedModel, importable, unrunnable } from '@lamella/dsl/author';
import { describe } from '@lamella/dsl/describe';
import { authorFrame, withLocate } from '@lamella/dsl/site';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, Site } from '@lamella/graph/ir';
import { transform } from 'sucrase';

/**
 * The default export of `source`, a graph. Throws a LamellaError: L113 for a syntax error or an
 * exception in the author's code (with its place), L112 if no model is exported, and the errors of
 * the model itself.
 */
export function graphOf(file: string, source: string): Graph {
  const { code, map } = strip(file, source);
  // The wrapper has a line of its own, and the script has a name that appears in stack frames.
  const name = `author:${file}`;
  const wrapped = `(function (module, exports, require) {\n${code}\n})\n//# sourceURL=${name}`;
  const locate = (frame: Site): Site | null => {
    if (frame.file !== name) return null;
    const { line, column } = originalPositionFor(map, { line: frame.line - 1, column: frame.column - 1 });
    return line === null ? null : { file, line, column: column + 1 };
  };
  const module: { exports: { default?: unknown } } = { exports: {} };
  return withLocate(locate, () => {
    try {
      // The purpose of this page is to run what the user types; it runs in a worker that can be
      // terminated.
      // biome-ignore lint/security/noGlobalEval: see above
      const run = globalThis.eval(wrapped) as (...args: readonly unknown[]) => void;
      run(module, module.exports, require);
    } catch (error) {
      if (error instanceof LamellaError) throw error;
      const [reason, site] =
        error instanceof Error ? [error.message, authorFrame(error)] : [`it throws ${describe(error)}`, null];
      throw unrunnable(file, reason, site?.file === file ? site : null);
    }
    return exportedModel(file, module.exports);
  });
}

function require(name: string): unknown {
  if (name === '@lamella/dsl') return importable(dsl);
  throw new Error(`${name} cannot be imported in this page, only @lamella/dsl can`);
}

/** JavaScript with the same lines, as a CommonJS module. */
function strip(file: string, source: string): { readonly code: string; readonly map: TraceMap } {
  try {
    const { code, sourceMap } = transform(source, {
      transforms: ['typescript', 'imports'],
      disableESTransforms: true,
      filePath: file,
      sourceMapOptions: { compiledFilename: file },
    });
    return { code, map: new TraceMap(JSON.stringify(sourceMap)) };
  } catch (error) {
    const { message, loc } = error as Error & { readonly loc?: { readonly line: number; readonly column: number } };
    const reason = message.replace(/^Error transforming .*?: /, '').replace(/ \(\d+:\d+\)$/, '');
    const site = loc ? { file, line: loc.line, column: loc.column } : null;
    throw unrunnable(file, reason, site);
  }
}
