/**
 * Makes the JavaScript of a package: the runtime's modules as plain ES modules, so that a package needs nothing beside itself. What the
 * runtime imports on demand (the tokenizer library) becomes a file of its own, which a package that never asks for it does not carry.
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

/** `index.js` and what it imports. Without `tokenizer`, the tokenizer's file and what only it needs are left out. */
export async function bundleRuntime(tokenizer: 'with tokenizer' | 'without tokenizer'): Promise<readonly Script[]> {
  const entry = createRequire(import.meta.url).resolve('@lamella/runtime/entry-node');
  const { outputFiles, metafile } = await build({
    entryPoints: { index: entry },
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    outdir: 'package',
    // Paths in the bundle's comments are relative to this: the same bytes wherever the command is run.
    absWorkingDir: dirname(entry),
    chunkNames: '[name]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    legalComments: 'eof',
    charset: 'utf8',
    logLevel: 'silent',
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const scripts = outputFiles.map(({ path, text }) => ({ file: basename(path), text }));
  if (tokenizer === 'with tokenizer') return [...scripts, await tokenizerLicence(entry)];
  const needed = new Set<string>(['index.js']);
  for (const file of needed) {
    for (const { path, kind } of outputs.get(file)?.imports ?? []) {
      if (kind === 'import-statement') needed.add(basename(path));
    }
  }
  return scripts.filter(({ file }) => needed.has(file));
}

/** The tokenizer library is Apache-2.0: who passes it on passes its licence on. */
async function tokenizerLicence(entry: string): Promise<Script> {
  const library = createRequire(entry).resolve('@huggingface/tokenizers');
  return { file: 'tokenizer.LICENSE', text: await readFile(join(dirname(library), '..', 'LICENSE'), 'utf8') };
}
