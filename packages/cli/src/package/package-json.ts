/**
 * The package.json of a compiled package. It makes the folder an npm package and its `.js` files ES
 * modules for Node and bundlers.
 */
import { sha256 } from '@lamella/runtime/sha256';
import type { Face } from './faces.ts';
import { npmNameOfModel } from './npm-rules.ts';

/** The name and the version that an author chose with `--name` and `--package-version`. */
export interface NpmChoices {
  /** The package's name for npm. Default: the model's name. */
  readonly name?: string | undefined;
  /** The package's version. Default: derived from its contents. */
  readonly packageVersion?: string | undefined;
}

/** The name of the npm package for the model `model`. */
export function packageName(model: string, { name }: NpmChoices): string {
  return name ?? npmNameOfModel(model);
}

/**
 * `description` is one line about the model, `written` are the SHA-256 of every other file by its
 * name, `faces` are entries of their own. Unless a version was chosen, it is derived from the
 * hashes: equal contents have equal versions.
 */
export async function packageJson(
  model: string,
  description: string,
  written: ReadonlyMap<string, string>,
  faces: readonly Face[],
  choices: NpmChoices,
): Promise<string> {
  const hash = await sha256(new TextEncoder().encode(JSON.stringify([...written].sort())));
  const entries = faces.map(({ name }) => [`./${name}`, { types: `./${name}.d.ts`, default: `./${name}.js` }]);
  const peers = faces.flatMap(({ peer }) => (peer ? [peer] : []));
  const fields = {
    name: packageName(model, choices),
    version: choices.packageVersion ?? `0.0.0-sha${hash.slice(0, 16)}`,
    description,
    // One for the code, and another for the weights, which their author chooses.
    license: 'SEE LICENSE IN LICENSE',
    type: 'module',
    // Parcel ignores `exports` by default.
    main: './parcel.js',
    types: './index.d.ts',
    exports: {
      '.': {
        node: {
          require: { types: './index.d.cts', default: './index.cjs' },
          default: { types: './index.d.ts', default: './node.js' },
        },
        default: { types: './index.d.ts', default: './index.js' },
      },
      ...Object.fromEntries(entries),
      './package.json': './package.json',
    },
    // Only an app that imports the face needs its peer.
    ...(peers.length > 0 && {
      peerDependencies: Object.fromEntries(peers),
      peerDependenciesMeta: Object.fromEntries(peers.map(([peer]) => [peer, { optional: true }])),
    }),
    files: [...written.keys()].sort(),
    sideEffects: ['./worker.js', './constraint.js'],
    engines: { node: '>=20.11' },
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}
