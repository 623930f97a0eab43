/**
 * The packages of this repository, as their package.json files describe them. A package with
 * `publishConfig` is published. The published packages in its `dependencies` stay dependencies. It
 * contains the modules of all other workspace packages that it imports: nobody installs those
 * alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The fields of a package.json that the release reads. */
export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  /** What is published differs here from what the repository uses. Programs are sources. */
  readonly publishConfig?: {
    readonly access: string;
    readonly exports?: Readonly<Record<string, string>>;
    readonly bin?: Readonly<Record<string, string>>;
  };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

export interface WorkspacePackage {
  /** The name of its folder in `packages`. */
  readonly folder: string;
  readonly json: PackageJson;
}

export function readJson(path: string): PackageJson {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** All packages in `packages`, by name. */
export const workspace: ReadonlyMap<string, WorkspacePackage> = new Map(
  readdirSync(join(root, 'packages')).map((folder) => {
    const json = readJson(join(root, 'packages', folder, 'package.json'));
    return [json.name, { folder, json }];
  }),
);

/** The packages that npm receives. */
export const published: readonly WorkspacePackage[] = [...workspace.values()].filter(
  ({ json }) => json.publishConfig !== undefined,
);

/**
 * The entry points of a published package, and their sources: those of `publishConfig`, or all of
 * `exports` that are not for tests.
 */
export function entryPoints({ json }: WorkspacePackage): ReadonlyMap<string, string> {
  const all = Object.entries(json.publishConfig?.exports ?? json.exports ?? {});
  return new Map(all.filter(([entry]) => !entry.startsWith('./test/')));
}
