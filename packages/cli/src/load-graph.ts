/**
 * Runs an author's file and takes the graph it exports. The file may lie anywhere, also where `@lamella/dsl` is not installed: esbuild
 * compiles it with what it imports, and the DSL is handed in from here, so that there is one DSL whoever runs us (tsx, vitest, a built
 * cli). Nothing is cached: the file is read again at every call. Positions are translated back through the source map.
 */
import { statSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import * as dsl from '@lamella/dsl';
import { authorFrame, withLocate } from '@lamella/dsl/site';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, Site } from '@lamella/graph/ir';
import { type BuildFailure, build } from 'esbuild';

/** The author's file and what it imports, as one CommonJS module. */
interface Compiled {
  readonly code: string;
  readonly map: SourceMap;
}

/**
 * The graph that `file` exports by default. Throws a LamellaError: L302 when it is no file, L113 for a syntax error or an exception
 * of the author's code (with its place), L112 when no model is exported, and whatever the model itself raises.
 */
export async function loadGraph(file: string): Promise<Graph> {
  const path = resolve(file);
  const shown = show(path);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found || found.isDirectory()) {
    const reason = found ? 'it is a folder, not a graph file' : 'there is no such file';
    throw new LamellaError('L302', { path: shown, reason, remedy: 'a graph file such as graphs/assistant.ts' });
  }
  const exported = run(path, await compile(path));
  if (!isGraph(exported)) throw new LamellaError('L112', { file: shown });
  return exported;
}

async function compile(path: string): Promise<Compiled> {
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      outfile: `${path}.cjs`,
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      external: ['@lamella/dsl'],
      sourcemap: 'external',
      logLevel: 'silent',
      tsconfigRaw: {},
    });
    const text = (end: string): string => outputFiles.find((out) => out.path.endsWith(end))?.text ?? '';
    return { code: text('.cjs'), map: new SourceMap(JSON.parse(text('.map'))) };
  } catch (error) {
    const first = (error as Partial<BuildFailure>).errors?.[0];
    if (!first) throw error;
    const { location } = first;
    const site = location && { file: show(resolve(location.file)), line: location.line, column: location.column + 1 };
    throw new LamellaError('L113', { file: show(path), reason: first.text }, { site });
  }
}

/** Evaluates the module and returns its default export. */
function run(path: string, { code, map }: Compiled): unknown {
  // A name of its own: Node keeps source maps by file name, and the file itself may have been imported before.
  const filename = `${path}#compiled`;
  const locate = (frame: Site): Site | null => {
    if (frame.file !== filename) return null;
    const entry = map.findEntry(frame.line - 1, frame.column - 1);
    if (!('originalSource' in entry)) return null;
    const file = resolve(dirname(path), entry.originalSource);
    return { file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  };
  const installed = createRequire(path);
  const require = (name: string): unknown => (name === '@lamella/dsl' ? dsl : installed(name));
  const module: { exports: { default?: unknown } } = { exports: {} };
  return withLocate(locate, () => {
    // Every weight's place is read off a stack: Node need not look for maps of our own frames in each, which takes longer than the model.
    const mapped = process.sourceMapsEnabled;
    process.setSourceMapsEnabled(false);
    try {
      compileFunction(code, ['module', 'exports', 'require'], { filename })(module, module.exports, require);
    } catch (error) {
      if (error instanceof LamellaError) throw error;
      const [reason, site] = error instanceof Error ? [error.message, authorFrame(error)] : [String(error), null];
      throw new LamellaError('L113', { file: show(path), reason }, { site });
    } finally {
      process.setSourceMapsEnabled(mapped);
    }
    return module.exports.default;
  });
}

function isGraph(value: unknown): value is Graph {
  return (
    typeof value === 'object' && value !== null && ['root', 'stacks', 'kinds', 'weights'].every((key) => key in value)
  );
}

/** The path as typed from the working folder when it is inside. */
function show(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
