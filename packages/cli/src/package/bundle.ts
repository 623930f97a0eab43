/**
 * Makes the JavaScript of a package from the runtime's modules, so that a package needs nothing
 * else. Every script is bundled whole: no script imports another where a bundler could see it, and
 * each file of the package is named once, as `new URL('./NAME', import.meta.url)`, the only form
 * that a bundler must understand.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

/** A text file of a package. */
export interface Script {
  readonly file: string;
  readonly text: string;
}

/** The facts about a package that its scripts contain. */
export interface Contents {
  readonly name: string;
  /** Distinguishes packages of the same name: changes with every file that the runtime reads. */
  readonly id: string;
  readonly tokenizer: boolean;
  readonly webgpu: boolean;
  /** The files that the runtime reads: manifest, kernels, weights, tokenizer. */
  readonly files: readonly string[];
}

const resolve = createRequire(import.meta.url).resolve;
const runtime = (module: string) => JSON.stringify(resolve(`@lamella/runtime/${module}`));

/**
 * The name of a second copy of a file for Parcel, which turns every `.json` file into a script,
 * even if only its URL is used.
 */
export function parcelName(file: string): string {
  return file.replace(/\.json$/, '.raw');
}

/**
 * The scripts: `index.js` is the API for pages, `worker.js` computes for it, `node.js` does both
 * for Node, and `index.cjs` is the same for `require`; `parcel.js` is `index.js` with file names
 * that Parcel does not transform.
 */
export async function bundleRuntime({ name, id, tokenizer, webgpu, files }: Contents): Promise<readonly Script[]> {
  const urls = (place: (file: string) => string) => {
    const url = (file: string) => `new URL(${JSON.stringify(`./${place(file)}`)}, import.meta.url).href`;
    return `() => ({ ${['worker.js', ...files].map((file) => `${JSON.stringify(file)}: ${url(file)}`).join()} })`;
  };
  const own = (file: string) => file;
  const identity = `{ name: ${JSON.stringify(name)}, id: ${JSON.stringify(id)} }`;
  const some = [...(tokenizer ? [['loadTokenizer', 'tokenizer']] : []), ...(webgpu ? [['openWebGpu', 'webgpu']] : [])];
  const imports = some.map(([part, module]) => `import { ${part} } from ${runtime(module!)};`).join('\n');
  const parts = `{ ${some.map(([part]) => part).join(', ')} }`;
  const error = `export { LamellaError } from ${runtime('lamella-error')};`;
  const page = (place: (file: string) => string) => [
    `import { loader } from ${runtime('entry')};`,
    error,
    `export const load = loader(${identity}, ${urls(place)});`,
  ];
  const node = [
    `import { loader } from ${runtime('node-entry')};`,
    imports,
    error,
    `export const load = loader(${identity}, ${urls(own)}, ${parts});`,
  ];
  return Promise.all([
    script('index.js', 'esm', page(own)),
    script('parcel.js', 'esm', page(parcelName)),
    script('node.js', 'esm', node),
    // Has neither imports nor `import.meta`, so that a bundler may treat it as a module, a script
    // or a plain file.
    script('worker.js', 'iife', [`import { serve } from ${runtime('worker')};`, imports, `serve(${parts});`]),
    script('index.cjs', 'cjs', node),
  ]);
}

/**
 * Replacements for a script that is loaded with `require`: its URL comes from its path, `import()`
 * becomes `require` because Jest has no `import()` without a flag, and globals missing in jsdom
 * come from Node.
 */
const required = {
  banner: {
    js: `const { TextDecoder, TextEncoder } = require('node:util');
const scriptUrl = require('node:url').pathToFileURL(__filename).href;`,
  },
  define: { 'import.meta.url': 'scriptUrl' },
  supported: { 'dynamic-import': false },
} as const satisfies BuildOptions;

async function script(file: string, format: BuildOptions['format'], lines: readonly string[]): Promise<Script> {
  const folder = dirname(resolve('@lamella/runtime/entry'));
  const { outputFiles } = await build({
    stdin: { contents: lines.join('\n'), resolveDir: folder, sourcefile: file },
    bundle: true,
    write: false,
    // Paths in the bundle's comments are relative to this folder, so that the bytes do not depend
    // on the working folder.
    absWorkingDir: folder,
    ...(format && { format }),
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    legalComments: 'eof',
    minifySyntax: true,
    charset: 'utf8',
    logLevel: 'silent',
    ...(format === 'cjs' && required),
  });
  return { file, text: outputFiles[0]!.text };
}
