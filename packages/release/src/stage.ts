/**
 * Makes the files of a published package from the compiled sources of the workspace: the modules
 * that its entry points reach, its own in `lib`, and those of unpublished packages in a folder
 * each. Modules stay files of their own, as in the repository: stack traces, source maps and
 * declarations are the compiler's, and the command starts as fast as from bundles (both were
 * measured). Only import paths change.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';
import { ts } from 'ts-morph';
import { entryPoints, root, type WorkspacePackage, workspace } from './workspace.ts';

/** A source file: `path` is relative to its package's `src`, without the extension. */
interface Module {
  readonly owner: WorkspacePackage;
  readonly path: string;
}

export interface Staged {
  /** Texts by path in the package. */
  readonly files: Map<string, string>;
  /** The names of published packages that it imports. */
  readonly ours: Set<string>;
  /** Other packages that it imports, with their versions. */
  readonly others: Map<string, string>;
  /** Where a source of the package lies in it, without the extension. */
  place(source: string): string;
}

/** Stages `target`. `compiled` has the compiled sources, in the folders of `packages`. */
export function stage(target: WorkspacePackage, compiled: string): Staged {
  const files = new Map<string, string>();
  const ours = new Set<string>();
  const others = new Map<string, string>();
  const reached = new Set<string>();
  const waiting: Module[] = [];

  const folderOf = (owner: WorkspacePackage) => (owner === target ? 'lib' : owner.folder);
  const placeOf = ({ owner, path }: Module) => posix.join(folderOf(owner), path);
  const reach = (module: Module): string => {
    const place = placeOf(module);
    if (!reached.has(place)) waiting.push(module);
    reached.add(place);
    return place;
  };

  /** The import path that replaces `specifier` in `module`. */
  const imported = (module: Module, specifier: string): string => {
    if (isBuiltin(specifier)) return specifier;
    if (specifier.startsWith('.')) {
      const path = withoutExtension(posix.join(posix.dirname(module.path), specifier));
      return relative(module, reach({ owner: module.owner, path }));
    }
    const [, name = specifier, rest = ''] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? [];
    const owner = workspace.get(name);
    if (!owner) {
      const { dependencies, peerDependencies } = module.owner.json;
      const version = dependencies?.[name] ?? peerDependencies?.[name];
      if (version === undefined)
        throw new Error(`${module.owner.json.name} imports ${name}, which it does not declare`);
      others.set(name, version);
      return specifier;
    }
    if (owner.json.publishConfig && target.json.dependencies?.[name]) {
      if (!entryPoints(owner).has(`.${rest}`)) throw new Error(`${specifier} is no entry point of a published package`);
      ours.add(name);
      return specifier;
    }
    const source = owner.json.exports?.[`.${rest}`];
    if (source === undefined) throw new Error(`${name} does not export .${rest}`);
    return relative(module, reach({ owner, path: pathOf(source) }));
  };
  const relative = (module: Module, place: string): string =>
    `${posix.relative(posix.dirname(placeOf(module)), place).replace(/^(?!\.)/, './')}.js`;

  const own = (source: string) => reach({ owner: target, path: pathOf(source) });
  for (const source of [...entryPoints(target).values(), ...Object.values(target.json.publishConfig?.bin ?? {})]) {
    own(source);
  }
  for (let module = waiting.pop(); module; module = waiting.pop()) {
    const from = module;
    const base = join(compiled, from.owner.folder, 'src', from.path);
    for (const extension of ['.js', '.d.ts']) {
      const text = readFileSync(`${base}${extension}`, 'utf8');
      files.set(
        `${placeOf(from)}${extension}`,
        withImports(text, (specifier) => imported(from, specifier)),
      );
      for (const asset of assets(text)) {
        const path = posix.join(posix.dirname(from.path), asset);
        const source = join(root, 'packages', from.owner.folder, 'src', path);
        for (const name of asset.endsWith('/') ? readdirSync(source) : [''])
          files.set(posix.join(folderOf(from.owner), path, name), readFileSync(join(source, name), 'utf8'));
      }
    }
    files.set(`${placeOf(from)}.js.map`, sourceMap(readFileSync(`${base}.js.map`, 'utf8'), from.path));
  }
  return { files, ours, others, place: own };
}

/** The path of a module from `./src/PATH.ts`. */
function pathOf(source: string): string {
  return withoutExtension(source.replace(/^\.\/src\//, ''));
}

function withoutExtension(path: string): string {
  return path.replace(/\.[jt]s$/, '');
}

/** `text` with another path in every import and export. */
function withImports(text: string, replaced: (specifier: string) => string): string {
  const found = ts.preProcessFile(text, true, true).importedFiles;
  return [...found].reverse().reduce((changed, { fileName, pos, end }) => {
    // Positions are those of the path between its quotes.
    const start = text.indexOf(fileName, pos);
    if (start < 0 || start > end) throw new Error(`the import of ${fileName} was not found`);
    return changed.slice(0, start) + replaced(fileName) + changed.slice(start + fileName.length);
  }, text);
}

/**
 * Files, and folders of files, that a module reads beside it: `new URL('NAME', import.meta.url)`.
 */
function assets(text: string): readonly string[] {
  return [...text.matchAll(/new URL\('(\w[^']*)', import\.meta\.url\)/g)].map(([, path]) => path!);
}

/**
 * The map with the source's own name: its text is in the map, and its folder is not in the package.
 */
function sourceMap(text: string, path: string): string {
  return JSON.stringify({ ...JSON.parse(text), sources: [`${posix.basename(path)}.ts`] });
}
