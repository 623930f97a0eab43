/**
 * Makes the JavaScript of a package out of the runtime's modules, so that a package needs nothing beside itself. Every script is bundled whole: none
 * imports another where a bundler could see it, and each file of the package is named once, as `new URL('./NAME', import.meta.url)`, which is all
 * that a bundler has to understand.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

/** A file of text that a package carries. */
export interface Script {
  readonly file: string;
  readonly text: string;
}

/** What a package's scripts have to know of it. */
export interface Contents {
  readonly name: string;
  /** Tells it from other packages of the same name: another one whenever what the runtime reads is. */
  readonly id: string;
  readonly tokenizer: boolean;
  readonly webgpu: boolean;
  /** The files that the runtime reads: manifest, kernels, weights, tokenizer. */
  readonly files: readonly string[];
}

const resolve = createRequire(import.meta.url).resolve;
const runtime = (module: string) => JSON.stringify(resolve(`@lamella/runtime/${module}`));

/** Where a file's text is once more, for Parcel: whatever is called JSON it makes a script of, also where only the file was asked for. */
export function parcelName(file: string): string {
  return file.replace(/\.json$/, '.raw');
}

/**
 * The scripts: `index.js` is the face for pages, `worker.js` what computes for it, `node.js` both for Node, and `index.cjs` the same for `require`;
 * `parcel.js` is `index.js` with names that Parcel leaves alone.
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
    // Has neither imports nor `import.meta`: a bundler may take it for a module, a script or a file like any other.
    script('worker.js', 'iife', [`import { serve } from ${runtime('worker')};`, imports, `serve(${parts});`]),
    script('index.cjs', 'cjs', node),
  ]);
}

/**
 * What a script has that is required: its own URL is made of its path; modules are required as well, because Jest has no `import()` without a flag; and what
 * jsdom leaves out of its globals comes from Node.
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
    // Paths in the bundle's comments are relative to this: the same bytes wherever the command is run.
    absWorkingDir: folder,
    ...(format && { format }),
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    legalComments: 'eof',
    charset: 'utf8',
    logLevel: 'silent',
    ...(format === 'cjs' && required),
  });
  return { file, text: outputFiles[0]!.text };
}
