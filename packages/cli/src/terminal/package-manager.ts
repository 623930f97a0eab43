/**
 * The package manager that started this process, so that suggested commands work for its user. npm,
 * pnpm, Yarn and Bun all set `npm_config_user_agent`, as in `pnpm/10.4.1 npm/? node/v22.14.0`.
 */

type Surroundings = Readonly<Record<string, string | undefined>>;

export interface PackageManager {
  readonly name: string;
  readonly version: string;
  /** The package that npm installs it from. */
  readonly package: string;
  /** Installs the dependencies of a project. */
  readonly install: string;
  /** Installs exactly what the lock file lists. */
  readonly installLocked: string;
  /** Goes before the name of a script of package.json. */
  readonly run: string;
  /** Goes before a command of a dependency. */
  readonly exec: string;
}

const words = {
  npm: { install: 'npm install', installLocked: 'npm ci', run: 'npm run', exec: 'npx' },
  pnpm: {
    install: 'pnpm install',
    installLocked: 'pnpm install --frozen-lockfile',
    run: 'pnpm run',
    exec: 'pnpm exec',
  },
  yarn: { install: 'yarn install', installLocked: 'yarn install --frozen-lockfile', run: 'yarn run', exec: 'yarn run' },
  bun: { install: 'bun install', installLocked: 'bun install --frozen-lockfile', run: 'bun run', exec: 'bunx' },
} as const;

/** The package manager in the environment; npm if there is none. */
export function packageManager(env: Surroundings = process.env): PackageManager {
  const [, name = 'npm', version = ''] = /^(npm|pnpm|yarn|bun)\/(\S+)/.exec(env.npm_config_user_agent ?? '') ?? [];
  // npm's package `yarn` has version 1 only.
  const modernYarn = name === 'yarn' && !version.startsWith('1.');
  return { name, version, package: modernYarn ? '@yarnpkg/cli-dist' : name, ...words[name as keyof typeof words] };
}

/** Whether a package manager started this process. Yarn does not set `npm_command`. */
export function isManaged(env: Surroundings): boolean {
  return Boolean(env.npm_command) || packageManager(env).name === 'yarn';
}
