/**
 * Runs the author's file in a worker and takes the graph that it exports, as `lamella check` does
 * in Node. Types are stripped, and positions are mapped back to the author's text. It imports this
 * page's DSL, and with `lamella dev` the files that the server has found.
 */
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import * as dsl from '@lamella/dsl';
import { exportedModel, importable, unrunnable } from '@lamella/dsl/author';
import { describe } from '@lamella/dsl/describe';
import { authorFrame, withLocate } from '@lamella/dsl/site';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, Site } from '@lamella/graph/ir';
import { transform } from 'sucrase';
import type { Version } from './protocol.ts';

/** A file whose code has started. */
interface Module {
  exports: { default?: unknown };
}

/** Names of scripts, so that stack frames show which file they belong to. */
const PREFIX = 'author:';

/**
 * The default export of the version's text, a graph. Throws a LamellaError: L113 for a syntax error
 * or an exception in the author's code (with its place), L112 if no model is exported, and the
 * errors of the model itself.
 */
export function graphOf({ file, source, files }: Pick<Version, 'file' | 'source' | 'files'>): Graph {
  const texts = new Map(files.map((each) => [each.path, each]));
  const modules = new Map<string, Module>();
  const maps = new Map<string, TraceMap>();
  const language = importable(dsl);
  const locate = (frame: Site): Site | null => {
    if (!frame.file.startsWith(PREFIX)) return null;
    const path = decodeURIComponent(frame.file.slice(PREFIX.length));
    const map = maps.get(path);
    if (!map) return null;
    const { line, column } = originalPositionFor(map, { line: frame.line - 1, column: frame.column - 1 });
    return line === null ? null : { file: path, line, column: column + 1 };
  };
  const run = (path: string, text: string): Module => {
    const module: Module = { exports: {} };
    modules.set(path, module);
    if (path.endsWith('.json')) {
      module.exports = JSON.parse(text);
      return module;
    }
    const { code, map } = strip(path, text);
    maps.set(path, map);
    // The wrapper has a line of its own. An engine ignores a name that has a space.
    const wrapped = `(function (module, exports, require) {\n${code}\n})\n//# sourceURL=${PREFIX}${encodeURIComponent(path)}`;
    // The purpose of this page is to run what the user types; it runs in a worker that can be
    // terminated.
    // biome-ignore lint/security/noGlobalEval: see above
    const body = globalThis.eval(wrapped) as (...args: readonly unknown[]) => void;
    body(module, module.exports, (name: string) => required(path, name));
    return module;
  };
  const required = (from: string, name: string): unknown => {
    if (name === '@lamella/dsl') return language;
    const path = texts.get(from)?.imports[name];
    const found = path === undefined ? undefined : texts.get(path);
    if (found) return (modules.get(found.path) ?? run(found.path, found.text)).exports;
    const isLocal = files.length > 0 && /^\.{1,2}\//.test(name);
    throw new Error(
      isLocal
        ? `it imports ${name}, which does not exist`
        : `${name} cannot be imported in this page, only @lamella/dsl${files.length > 0 ? ' and files' : ''} can`,
    );
  };
  return withLocate(locate, () => {
    try {
      return exportedModel(file, run(file, source).exports);
    } catch (error) {
      if (error instanceof LamellaError) throw error;
      const [reason, site] =
        error instanceof Error ? [error.message, authorFrame(error)] : [`it throws ${describe(error)}`, null];
      throw unrunnable(file, reason, site && maps.has(site.file) ? site : null);
    }
  });
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
