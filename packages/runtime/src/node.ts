/** Node, for code that also runs in browsers: whether this is Node, and its modules without an import that a bundler would follow. */

/** Whether this is Node (or another engine that has its modules), and not a browser. */
export const isNode =
  typeof process === 'object' && typeof process.versions?.node === 'string' && !('window' in globalThis);

interface Modules {
  readonly 'fs/promises': typeof import('node:fs/promises');
  readonly os: typeof import('node:os');
  readonly path: typeof import('node:path');
  readonly url: typeof import('node:url');
  readonly worker_threads: typeof import('node:worker_threads');
}

/** Node's own module of this name. */
export function node<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  const specifier = `node:${name}`;
  return import(/* @vite-ignore */ /* webpackIgnore: true */ specifier);
}
