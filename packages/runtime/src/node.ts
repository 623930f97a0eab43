/** Node, for code that also runs in browsers: whether this is Node, and its modules without an import that a bundler would follow. */

// Read from `globalThis`: some bundlers replace a bare `process` by a package of their own.
const versions = (globalThis as { process?: { versions?: { node?: unknown } } }).process?.versions;

/** A page, real or in a window that has Node as well (Electron). jsdom makes documents, but no workers: it is Node. */
const isPage = typeof document === 'object' && typeof Worker === 'function';

/** A worker of a browser that has Node as well (Electron), or something that looks like it (polyfills). Deno and Bun have such workers of their own. */
const { WorkerGlobalScope: Scope } = globalThis as { WorkerGlobalScope?: abstract new () => object };
const isWebWorker =
  typeof Scope === 'function' && globalThis instanceof Scope && !('Deno' in globalThis || 'Bun' in globalThis);

/** Whether this is Node, or another engine that has its modules: Deno, Bun. */
export const isNode = typeof versions?.node === 'string' && !isPage && !isWebWorker;

interface Modules {
  readonly 'fs/promises': typeof import('node:fs/promises');
  readonly os: typeof import('node:os');
  readonly path: typeof import('node:path');
  readonly url: typeof import('node:url');
  readonly worker_threads: typeof import('node:worker_threads');
}

/** Node's own module of this name. */
export function node<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  return importUnseen(`node:${name}`);
}

/** Imports a module, by its URL, that no bundler is to follow. */
export function importUnseen<Module>(specifier: string): Promise<Module> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ specifier);
}
