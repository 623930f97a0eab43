/**
 * Node, for code that also runs in browsers: tests whether this is Node, and imports Node's modules
 * in a way that bundlers do not follow.
 */

// Read from `globalThis`: some bundlers replace a bare `process` by a package of their own.
const versions = (globalThis as { process?: { versions?: { node?: unknown } } }).process?.versions;

/**
 * A page, including a window that also has Node (Electron). jsdom has documents but no workers: it
 * counts as Node.
 */
const isPage = typeof document === 'object' && typeof Worker === 'function';

/**
 * A browser's worker, including one that also has Node (Electron) or polyfills. Deno and Bun define
 * `WorkerGlobalScope` too, so they are excluded by name.
 */
const { WorkerGlobalScope: Scope } = globalThis as { WorkerGlobalScope?: abstract new () => object };
const isWebWorker =
  typeof Scope === 'function' && globalThis instanceof Scope && !('Deno' in globalThis || 'Bun' in globalThis);

/** Whether this is Node, or another engine with Node's modules: Deno, Bun. */
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

/** Imports a module by its URL, hidden from bundlers. */
export function importUnseen<Module>(specifier: string): Promise<Module> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ specifier);
}
