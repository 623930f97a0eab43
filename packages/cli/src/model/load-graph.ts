/**
 * Runs an author's file and takes the graph that it exports. The file may lie anywhere, even if
 * `@lamella/dsl` is not installed there: esbuild bundles it with its imports, and this module
 * passes the DSL in, so that there is one DSL in every way of running (tsx, vitest, a built cli).
 * Nothing is cached: every call reads the file again. Positions are translated back through the
 * source map.
 */
import { readdirSync, statSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import { isGguf } from '@lamella/checkpoint/gguf/format';
import * as dsl from '@lamella/dsl';
import { exportedModel, importable, unrunnable } from '@lamella/dsl/author';
import { describe } from '@lamella/dsl/describe';
import { authorFrame, withLocate } from '@lamella/dsl/site';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, Site } from '@lamella/graph/ir';
import { nearest } from '@lamella/graph/nearest';
import { type BuildFailure, type BuildOptions, build, type Message, type Metafile, type Plugin } from 'esbuild';
import { shellWord } from '../terminal/shell.ts';
import { isHubFolder } from './checkpoint.ts';
import { hasGraphName } from './graph-name.ts';
import { asGuest, guestConsole, onLateFailure } from './guest.ts';
import { watched } from './still-running.ts';

/** The author's file and its imports, as one CommonJS module. */
interface Compiled {
  readonly code: string;
  readonly map: SourceMap;
  /**
   * Files that import one another in a circle, with the first again at the end; empty if there are
   * none.
   */
  readonly circle: readonly string[];
}

/**
 * The graph that `file` exports by default. Throws a LamellaError: L302 if it is not a file, L113
 * for a syntax error or an exception of the author's code (with its place), L112 if no model is
 * exported, L129 for a name that the DSL does not have, and the errors of the model itself.
 */
export async function loadGraph(file: string): Promise<Graph> {
  await requireGraphFile(file);
  const path = resolve(file);
  const compiled = await compile(path, { entryPoints: ['graph'], plugins: [entry(path)] });
  return watched(show(path), () => run(path, compiled));
}

/** Throws L302 if `file` is not a file, L113 if it is not a graph file. */
export async function requireGraphFile(file: string): Promise<void> {
  const path = resolve(file);
  const shown = show(path);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) {
    const reason = found ? `it is ${found.isDirectory() ? 'a folder' : 'not a file'}` : 'there is no such file';
    const remedy = (await isHubFolder(path))
      ? `lamella import ${shellWord(shown)} --out GRAPH.ts, and then that file`
      : aGraphFile;
    throw new LamellaError('L302', { path: shown, reason, remedy });
  }
  if (!hasGraphName(path)) {
    const remedy = isGguf(path) ? `lamella import ${shellWord(shown)} --out GRAPH.ts, and then that file` : aGraphFile;
    throw unrunnable(shown, 'it is not a TypeScript graph file', null, remedy);
  }
}

/**
 * The graph that `source` exports by default. `source` is not from a file; messages use `path` as
 * its name. Throws like `loadGraph`.
 */
export async function graphOf(source: string, path: string): Promise<Graph> {
  const stdin = {
    contents: source,
    sourcefile: resolve(path),
    resolveDir: dirname(resolve(path)),
    loader: 'ts',
  } as const;
  return run(resolve(path), await compile(resolve(path), { stdin }));
}

/**
 * `@lamella/dsl` is passed in whole. Without this plugin esbuild would treat `@lamella/dsl/block`
 * as external as well.
 */
const wholeLanguage: Plugin = {
  name: 'whole-language',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@lamella\/dsl\// }, ({ path }) => ({ errors: [{ text: `Could not resolve "${path}"` }] })),
};

/** The file by its path: esbuild would treat a path with a star as a pattern. */
const entry = (path: string): Plugin => ({
  name: 'entry',
  setup: ({ onResolve }) => onResolve({ filter: /.*/ }, ({ kind }) => (kind === 'entry-point' ? { path } : null)),
});

const aGraphFile = 'the path of a graph file; lamella new my-model writes one';

async function compile(path: string, input: BuildOptions): Promise<Compiled> {
  try {
    const { outputFiles, metafile } = await build({
      ...input,
      outfile: `${path}.cjs`,
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      external: ['@lamella/dsl'],
      plugins: [wholeLanguage, ...(input.plugins ?? [])],
      sourcemap: 'external',
      metafile: true,
      logLevel: 'silent',
      // Strict mode: a change to a frozen model must throw instead of doing nothing.
      tsconfigRaw: { compilerOptions: { alwaysStrict: true } },
    });
    const text = (end: string): string => outputFiles.find((out) => out.path.endsWith(end))?.text ?? '';
    return { code: text('.cjs'), map: new SourceMap(JSON.parse(text('.map') || emptyMap)), circle: circleIn(metafile) };
  } catch (error) {
    const first = (error as Partial<BuildFailure>).errors?.[0];
    if (!first) throw error;
    const { location } = first;
    const site = location && { file: show(resolve(location.file)), line: location.line, column: location.column + 1 };
    const { reason, remedy } = reasonOf(first);
    throw unrunnable(show(path), reason, site, remedy);
  }
}

/**
 * esbuild's own text, except for faults of imports and of formats, where a better message is
 * possible.
 */
function reasonOf({ text, location }: Message): { readonly reason: string; readonly remedy?: string } {
  const [, name] = /^Could not resolve "(.*)"$/.exec(text) ?? [];
  if (name !== undefined) return unresolved(name, dirname(resolve(location?.file ?? '')));
  if (text.startsWith('Top-level await'))
    return { reason: 'it awaits outside of a function, and a model needs no await', remedy: 'the same without await' };
  const [, other] = /^No loader is configured for .* files: (.*)$/.exec(text) ?? [];
  if (other === undefined) return { reason: text };
  return { reason: `it imports ${other}, which is not TypeScript`, remedy: 'readFileSync of node:fs for such a file' };
}

/**
 * The reason and remedy for an import of `name`, in a file of `folder`, that cannot be resolved.
 */
function unresolved(name: string, folder: string): { readonly reason: string; readonly remedy: string } {
  if (!/^[./]/.test(name)) {
    const isOurs = name.includes('lamella');
    return {
      reason: `it imports ${name}, which is not installed`,
      remedy: isOurs ? "'@lamella/dsl'" : `npm install ${name}`,
    };
  }
  const wanted = resolve(folder, name);
  const near = nearest(basename(wanted), filesIn(dirname(wanted)));
  const remedy =
    near === null
      ? 'writing that file, or the path of another'
      : `'${join(dirname(name), near).replace(/^(?![./])/, './')}'`;
  return { reason: `it imports ${name}, but ${show(wanted)} does not exist`, remedy };
}

function filesIn(folder: string): readonly string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
}

/** For a file without code esbuild makes no map. */
const emptyMap = '{"version":3,"sources":[],"mappings":""}';

/** Files of the author that import one another in a circle. */
function circleIn({ inputs, outputs }: Metafile): readonly string[] {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): readonly string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file) || file.includes('node_modules/')) return [];
    done.add(file);
    for (const { path } of inputs[file]?.imports ?? []) {
      const circle = visit(path, [...way, file]);
      if (circle.length > 0) return circle;
    }
    return [];
  };
  const entry = Object.values(outputs).find(({ entryPoint }) => entryPoint)?.entryPoint;
  return entry === undefined ? [] : visit(entry, []);
}

/** Evaluates the module and takes the model that it exports. */
function run(path: string, { code, map, circle }: Compiled): Graph {
  // A unique name: Node keeps source maps by file name, and the file itself may have been imported
  // before.
  const filename = `${path}#compiled`;
  const locate = (frame: Site): Site | null => {
    if (frame.file !== filename) return null;
    const entry = map.findEntry(frame.line - 1, frame.column - 1);
    if (!('originalSource' in entry)) return null;
    const file = resolve(dirname(path), entry.originalSource);
    return { file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  };
  const installed = createRequire(path);
  const language = importable(dsl);
  const require = (name: string): unknown => (name === '@lamella/dsl' ? language : installed(name));
  const module: { exports: unknown } = { exports: {} };
  onLateFailure(path, (error) => withLocate(locate, () => lateFailure(error, show(path), filename)));
  return withLocate(locate, () => {
    // The place of every weight is read from a stack. With maps enabled Node would look for maps of
    // Lamella's own frames in each, which takes longer than building the model.
    const mapped = process.sourceMapsEnabled;
    process.setSourceMapsEnabled(false);
    try {
      const names = ['module', 'exports', 'require', 'console'];
      const body = compileFunction(code, names, { filename });
      asGuest(() => body(module, module.exports, require, guestConsole));
      return exportedModel(show(path), module.exports);
    } catch (error) {
      throw failureOf(error, show(path), circle);
    } finally {
      process.setSourceMapsEnabled(mapped);
    }
  });
}

/**
 * The thrown value as a diagnostic. In a circle of imports, one file runs before another has set
 * its exports.
 */
function failureOf(error: unknown, file: string, circle: readonly string[]): LamellaError {
  const isKnown = error instanceof LamellaError;
  const site = isKnown ? error.site : error instanceof Error ? authorFrame(error) : null;
  if (circle.length > 0 && (!isKnown || /\bundefined\b/.test(error.message))) {
    const reason = `its files import one another in a circle, ${circle.map((each) => show(resolve(each))).join(' -> ')}`;
    return unrunnable(file, reason, site, 'a file of its own for what both of them use');
  }
  if (isKnown) return error;
  const [said = ''] = error instanceof Error ? (error.message || error.name).split('\n') : [];
  return unrunnable(file, said || `it throws ${describe(error)}`, site);
}

/**
 * A failure after the file has run, in a timer or promise that it left behind, as a diagnostic;
 * null if the file did not cause it. A promise rejected with something other than an error has no
 * place, and Lamella itself rejects none like that.
 */
function lateFailure(error: unknown, file: string, filename: string): LamellaError | null {
  if (error instanceof LamellaError || !(error instanceof Error)) return null;
  const [, rejected] = /The promise rejected with the reason "(.*)"\.$/s.exec(error.message) ?? [];
  const reason =
    rejected === undefined
      ? `it leaves something behind that fails: ${error.message || error.name}`
      : `it leaves a promise behind that is rejected with ${rejected}`;
  const remedy = 'the same without promises and timers, which no model needs';
  if (rejected !== undefined) return unrunnable(file, reason, null, remedy);
  return error.stack?.includes(filename) ? unrunnable(file, reason, authorFrame(error), remedy) : null;
}

/** The path relative to the working folder, if it is inside. */
function show(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
