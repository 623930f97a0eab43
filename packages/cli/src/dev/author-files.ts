/**
 * The files of a graph: the author's file and the files that it imports. A page cannot read a disk,
 * so it receives their texts. esbuild resolves the imports, exactly as for `lamella compile`; a
 * file with a syntax error is listed too, because the page reports the error and waits for the
 * correction.
 */
import { readFile } from 'node:fs/promises';
import { extname, isAbsolute, join, resolve } from 'node:path';
import type { AuthorFile } from '@lamella/dsl/live';
import { fromWorkingFolder } from '@lamella/dsl/site';
import { build, type Loader, type Plugin } from 'esbuild';

export interface AuthorFiles {
  /** The graph file first. */
  readonly files: readonly AuthorFile[];
  /** Absolute paths whose changes matter: of `files`, and of imported files that do not exist. */
  readonly watched: readonly string[];
}

interface Read {
  text: string;
  readonly imports: Record<string, string>;
}

const loaders: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.json': 'json',
};

/** The files of the graph file at `path`, which is absolute. */
export async function authorFiles(path: string): Promise<AuthorFiles> {
  const read = new Map<string, Read>([[path, { text: '', imports: {} }]]);
  const missing: string[] = [];
  await build({
    entryPoints: ['graph'],
    bundle: true,
    write: false,
    outfile: 'graph.cjs',
    format: 'cjs',
    platform: 'node',
    logLevel: 'silent',
    plugins: [collect(path, read, missing)],
  }).catch(() => {
    // The page compiles the same files and shows the fault.
  });
  const files = [...read].map(([file, { text, imports }]) => ({ path: fromWorkingFolder(file), text, imports }));
  return { files, watched: [...read.keys(), ...missing] };
}

/** Follows every import and loads every file once. */
function collect(graph: string, read: Map<string, Read>, missing: string[]): Plugin {
  // The plugin's own questions to esbuild come back to the plugin.
  const asked = Symbol('asked');
  return {
    name: 'author-files',
    setup(building) {
      building.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind === 'entry-point') return { path: graph };
        if (pluginData === asked) return null;
        if (path === '@lamella/dsl') return { path, external: true };
        const found = await building.resolve(path, { kind, importer, resolveDir, pluginData: asked });
        if (found.errors.length > 0 || found.external || !isAbsolute(found.path)) {
          if (/^\.{1,2}\//.test(path)) missing.push(resolve(resolveDir, path));
          return { path, external: true };
        }
        read.get(importer)!.imports[path] = fromWorkingFolder(found.path);
        return { path: found.path };
      });
      building.onLoad({ filter: /.*/ }, async ({ path }) => {
        const contents = await readFile(path, 'utf8');
        // The imports of the graph file are already being collected in this object.
        const entry = read.get(path);
        if (entry) entry.text = contents;
        else read.set(path, { text: contents, imports: {} });
        return { contents, loader: loaders[extname(path)] ?? 'empty', resolveDir: join(path, '..') };
      });
    },
  };
}
