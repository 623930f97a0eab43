/**
 * Makes the JavaScript of a package: the runtime's modules as plain ES modules for browsers and Node, so that a package needs nothing beside
 * itself. Each file is bundled on its own, and what the runtime imports on demand is one of them: a page loads no more than it uses.
 */
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { build } from 'esbuild';

/** A file of text that a package carries. */
export interface Script {
  readonly file: string;
  readonly text: string;
}

/** Files by the module they start from. */
const always = { index: 'entry', model: 'model', worker: 'worker', thread: 'thread' } as const;
const tokenizer = { tokenizer: 'tokenizer' } as const;
const webgpu = { webgpu: 'webgpu' } as const;

/** What a package carries besides WASM kernels. */
export interface Parts {
  readonly tokenizer: boolean;
  readonly webgpu: boolean;
}

/** `index.js` and what it and its workers load; with a tokenizer, its file, too. */
export async function bundleRuntime(parts: Parts): Promise<readonly Script[]> {
  const resolve = createRequire(import.meta.url).resolve;
  const some = { ...(parts.tokenizer ? tokenizer : {}), ...(parts.webgpu ? webgpu : {}) };
  const entries = Object.entries({ ...always, ...some });
  const folder = dirname(resolve('@lamella/runtime/entry'));
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(entries.map(([name, module]) => [name, resolve(`@lamella/runtime/${module}`)])),
    outdir: folder,
    bundle: true,
    write: false,
    // Paths in the bundle's comments are relative to this: the same bytes wherever the command is run.
    absWorkingDir: folder,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    legalComments: 'eof',
    charset: 'utf8',
    logLevel: 'silent',
    // what is imported on demand is a file of its own beside the others
    external: Object.values({ ...always, ...tokenizer, ...webgpu }).map((module) => `./${module}.js`),
  });
  return outputFiles.map(({ path, text }): Script => ({ file: basename(path), text }));
}
