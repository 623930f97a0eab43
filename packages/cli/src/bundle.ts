/**
 * Makes the JavaScript of a package: the runtime's modules as plain ES modules for browsers and Node, so that a package needs nothing beside
 * itself. Each file is bundled on its own, and what the runtime imports on demand is one of them: a page loads no more than it uses.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
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

/** `index.js` and what it and its workers load; with a tokenizer, its file and its library's licence, too. */
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
  const scripts = outputFiles.map(({ path, text }): Script => ({ file: basename(path), text }));
  const licence = parts.tokenizer ? [await tokenizerLicence(resolve('@lamella/runtime/entry'))] : [];
  return [...scripts, ...licence];
}

/** The tokenizer library is Apache-2.0: who passes it on passes its licence on. */
async function tokenizerLicence(entry: string): Promise<Script> {
  const library = createRequire(entry).resolve('@huggingface/tokenizers');
  return { file: 'tokenizer.LICENSE', text: await readFile(join(dirname(library), '..', 'LICENSE'), 'utf8') };
}
