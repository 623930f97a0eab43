/**
 * TypeScript in a worker: checks the author's file against the DSL's own source, so that a wrong
 * axis is marked where it is written, before anything runs. TypeScript 7 has no API yet; version 6
 * gives the same messages.
 */

import type { AuthorFile } from '@lamella/dsl/live';
import ts from 'typescript-6';
import type { Answer, Answers, Question, Typed, TypeFault } from './protocol.ts';

/** The sources, by path in the checker's file system. */
const libraries = import.meta.glob<string>(
  '../../../../node_modules/typescript-6/lib/lib.{es5,decorators,decorators.legacy,es2015*,es2016*,es2017*,es2018*,es2019*,es2020*,es2021*,es2022*,es2023*}.d.ts',
  {
    query: '?raw',
    import: 'default',
    eager: true,
  },
);
const dsl = import.meta.glob<string>('../../../../packages/dsl/src/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const graph = import.meta.glob<string>('../../../../packages/graph/src/{ir,diagnostics}.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const under = (folder: string, files: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(files).map(([path, text]) => [`${folder}/${path.slice(path.lastIndexOf('/') + 1)}`, text]);

const AUTHOR = '/author.ts';
const files = new Map([...under('/lib', libraries), ...under('/dsl', dsl), ...under('/graph', graph)]);
// The file runs in a worker; these are the globals that an author may use.
files.set('/globals.d.ts', 'declare const console: { log(...values: unknown[]): void };');
let version = 0;

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  strict: true,
  allowJs: true,
  resolveJsonModule: true,
  noEmit: true,
  types: [],
};

/** The author's file and its imports, by path in the checker's file system. */
let authors = new Map<string, AuthorFile>();
/** Keeps the names of imported files apart from those of the libraries. */
const authorPath = (path: string) => `/imported/${path}`;

/** Resolves the author's imports, `@lamella/graph/ir` and the DSL's own relative imports. */
function resolve(name: string, from: string): string | undefined {
  const imported = authors.get(from)?.imports[name];
  if (imported !== undefined) return authorPath(imported);
  const folder = from.slice(0, from.lastIndexOf('/'));
  const path = name.startsWith('./')
    ? `${folder}${name.slice(1)}`
    : name === '@lamella/dsl'
      ? '/dsl/index.ts'
      : name.replace(/^@lamella\/graph\/(.*)$/, '/graph/$1.ts');
  return files.has(path) ? path : undefined;
}

const service = ts.createLanguageService({
  getCompilationSettings: () => options,
  getScriptFileNames: () => ['/globals.d.ts', AUTHOR],
  getScriptVersion: (file) => (file === AUTHOR || authors.has(file) ? String(version) : '0'),
  getScriptSnapshot: (file) => {
    const text = files.get(file);
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
  },
  getCurrentDirectory: () => '/',
  getDefaultLibFileName: () => '/lib/lib.es2023.d.ts',
  fileExists: (file) => files.has(file),
  readFile: (file) => files.get(file),
  resolveModuleNameLiterals: (literals, from) =>
    literals.map(({ text }) => {
      const resolvedFileName = resolve(text, from);
      const extension = /\.\w+$/.exec(resolvedFileName ?? '')?.[0] ?? '.ts';
      return { resolvedModule: resolvedFileName ? { resolvedFileName, extension } : undefined };
    }),
});

let taken = '';

function take({ source, files: all }: Typed): void {
  const now = JSON.stringify([source, all]);
  if (now === taken) return;
  taken = now;
  for (const path of authors.keys()) files.delete(path);
  const [graph, ...imported] = all;
  authors = new Map(imported.map((file) => [authorPath(file.path), file]));
  for (const [path, { text }] of authors) files.set(path, text);
  if (graph) authors.set(AUTHOR, graph);
  files.set(AUTHOR, source);
  version++;
}

function check(): readonly TypeFault[] {
  const found = [...service.getSyntacticDiagnostics(AUTHOR), ...service.getSemanticDiagnostics(AUTHOR)];
  return found.map(({ start = 0, length = 0, messageText }) => {
    const detail = ts.flattenDiagnosticMessageText(messageText, '\n');
    // The DSL's sentence is the type of the parameter.
    const [, code = null, sentence] = /'"(L\d+) ([^"]*)"'/.exec(detail) ?? [];
    return { from: start, to: start + length, code, message: code ? `${code} ${sentence}` : detail, detail };
  });
}

const answers: { readonly [A in keyof Answers]: (at: number) => Answers[A] } = {
  check,
  complete: (at) => {
    const found = service.getCompletionsAtPosition(AUTHOR, at, {});
    return (found?.entries ?? []).map(({ name, kind }) => ({ label: name, kind }));
  },
  hover: (at) => {
    const found = service.getQuickInfoAtPosition(AUTHOR, at);
    if (!found) return null;
    const { start, length } = found.textSpan;
    return {
      from: start,
      to: start + length,
      type: ts.displayPartsToString(found.displayParts),
      documentation: ts.displayPartsToString(found.documentation),
    };
  },
};

self.onmessage = ({ data }: MessageEvent<Question>) => {
  take(data);
  const answer: Answer = { id: data.id, answer: answers[data.kind]('at' in data ? data.at : 0) };
  postMessage(answer);
};
