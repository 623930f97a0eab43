/** The package.json of a published package. */
import type { Staged } from './stage.ts';
import { entryPoints, readJson, root, type WorkspacePackage, workspace } from './workspace.ts';

const { engines, license } = readJson(`${root}package.json`);

/**
 * Its text. Packages of Lamella depend on one another in the same version, because they share
 * objects. `folders` are all folders of the package. `build` changes with every change of any
 * package.
 */
export function packageJson(
  target: WorkspacePackage,
  staged: Staged,
  folders: readonly string[],
  build: string,
): string {
  const { name, version, description, keywords, publishConfig, dependencies, peerDependencies } = target.json;
  const bin = Object.entries(publishConfig?.bin ?? {}).map(([word, source]) => [word, `${staged.place(source)}.js`]);
  const entries = [...entryPoints(target)].map(([entry, source]) => {
    const place = `./${staged.place(source)}`;
    return [entry, { types: `${place}.d.ts`, default: `${place}.js` }];
  });
  const others = [...staged.others].filter(([other]) => peerDependencies?.[other] === undefined);
  const needed = [...[...staged.ours].map((our) => [our, workspace.get(our)!.json.version] as const), ...others];
  const unused = Object.keys(dependencies ?? {}).filter(
    (other) => workspace.get(other)?.json.publishConfig && !staged.ours.has(other),
  );
  if (unused.length > 0) throw new Error(`${name} declares ${unused.join()}, which it does not import`);
  const fields = {
    name,
    version,
    description,
    keywords,
    license,
    type: 'module',
    engines,
    sideEffects: bin.length > 0 ? bin.map(([, path]) => `./${path}`) : false,
    ...(bin.length > 0 && { bin: Object.fromEntries(bin) }),
    exports: { ...Object.fromEntries(entries), './package.json': './package.json' },
    files: folders,
    ...(needed.length > 0 && { dependencies: Object.fromEntries(needed.sort(([a], [b]) => (a < b ? -1 : 1))) }),
    ...(peerDependencies && { peerDependencies, peerDependenciesMeta: target.json.peerDependenciesMeta }),
    publishConfig: { access: publishConfig!.access },
    build,
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}
