/**
 * Makes the JavaScript of a package from the runtime's modules, so that a package needs nothing
 * else. Every script is bundled whole: no script imports another where a bundler could see it, and
 * each file of the package is named once, as `new URL('./NAME', import.meta.url)`, the only form
 * that a bundler must understand.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import type { Face } from './faces.ts';
import { type Contents, type Parts, type Script, withHeaders } from './scripts.ts';

const resolve = createRequire(import.meta.url).resolve;
const runtime = (module: string) => JSON.stringify(resolve(`@lamella/runtime/${module}`));

/**
 * The scripts: `index.js` is the API for pages, `worker.js` computes for it, `node.js` does both
 * for Node, and `index.cjs` is the same for `require`; the worker loads `constraint.js` when an
 * answer first has a format; `parcel.js` is `index.js` with file names that Parcel does not
 * transform.
 */
export async function bundleRuntime(contents: Contents): Promise<readonly Script[]> {
  return withHeaders(await bundles(contents), contents);
}

const bundled = new Map<string, Promise<readonly Script[]>>();

/**
 * The scripts without their headers. They are made once for packages with the same parts, because
 * esbuild takes longer than all passes of a small model. A call ahead of `bundleRuntime` lets
 * esbuild, which is a process of its own, work meanwhile.
 */
export function bundles({ tokenizer, chat, webgpu }: Parts): Promise<readonly Script[]> {
  const parts = { tokenizer, chat, webgpu };
  const key = JSON.stringify(parts);
  const made = bundled.get(key) ?? bundle(parts);
  bundled.set(key, made);
  // A failure is reported by the call that awaits the scripts.
  made.catch(() => bundled.delete(key));
  return made;
}

/** The function and the module of the runtime that each part is. */
const partModules = {
  tokenizer: ['loadTexts', 'texts'],
  chat: ['loadChat', 'chat-template'],
  webgpu: ['openWebGpu', 'webgpu'],
} as const satisfies Readonly<Record<keyof Parts, readonly [string, string]>>;

function bundle(wanted: Parts): Promise<readonly Script[]> {
  const some = Object.entries(partModules).flatMap(([part, of]) => (wanted[part as keyof Parts] ? [of] : []));
  const importing = (parts: readonly (readonly [part: string, module: string])[]) => ({
    imports: parts.map(([part, module]) => `import { ${part} } from ${runtime(module)};`).join('\n'),
    parts: `{ ${parts.map(([part]) => part).join(', ')} }`,
  });
  const { imports, parts } = importing(some);
  const error = `export { LamellaError } from ${runtime('lamella-error')};`;
  const page = [
    `import { loader } from ${runtime('entry')};`,
    error,
    'export const load = loader(packageIdentity, packageFiles);',
  ];
  const constraints = [
    `import { Constrainer } from ${runtime('constraint')};`,
    `import { offer } from ${runtime('constraint-script')};`,
    'offer({ Constrainer });',
  ];
  const inWorker = importing(wanted.tokenizer ? [...some, ['importConstraints', 'import-constraints']] : some);
  // A bundle contains the module, and evaluates it at the first call.
  const constrain = wanted.tokenizer ? `, loadConstraints: () => import(${runtime('constraint')})` : '';
  const node = [
    `import { loader } from ${runtime('node-entry')};`,
    imports,
    error,
    `export const load = loader(packageIdentity, packageFiles, { ...${parts}${constrain} });`,
  ];
  return Promise.all([
    script('index.js', 'esm', page),
    script('parcel.js', 'esm', page),
    script('node.js', 'esm', node),
    // `iife` is the format of the scripts of a page's worker. They have neither imports nor
    // `import.meta`, so that a bundler may treat it as a module, a script
    // or a plain file.
    script('worker.js', 'iife', [
      `import { serve } from ${runtime('worker')};`,
      inWorker.imports,
      `serve(${inWorker.parts});`,
    ]),
    script('index.cjs', 'cjs', node),
    ...(wanted.tokenizer ? [script('constraint.js', 'iife', constraints)] : []),
  ]);
}

const bundledFaces = new Map<string, Promise<Script>>();

/** The script of a face, the same in all packages. It imports its peer, and nothing else. */
export function bundleFace({ name, peer }: Face): Promise<Script> {
  const made =
    bundledFaces.get(name) ??
    script(`${name}.js`, 'esm', [`export * from ${runtime(`faces/${name}`)};`], peer ? [peer[0]] : []);
  bundledFaces.set(name, made);
  made.catch(() => bundledFaces.delete(name));
  return made;
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

/**
 * Leaves the sentences of errors out of a page's worker: it sends an error as its code and
 * arguments, and the page words it.
 */
const withoutSentences: Plugin = {
  name: 'without sentences',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]catalogue\.[jt]s$/ }, () => ({ contents: 'export const catalogue = {};' }));
  },
};

async function script(
  file: string,
  format: BuildOptions['format'],
  lines: readonly string[],
  external: readonly string[] = [],
): Promise<Script> {
  const folder = dirname(resolve('@lamella/runtime/entry'));
  const { outputFiles } = await build({
    stdin: { contents: lines.join('\n'), resolveDir: folder, sourcefile: file },
    bundle: true,
    write: false,
    // Paths in the bundle's comments are relative to this folder, so that the bytes do not depend
    // on the working folder.
    absWorkingDir: folder,
    ...(format && { format }),
    external: [...external],
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    legalComments: 'eof',
    minify: true,
    charset: 'utf8',
    logLevel: 'silent',
    ...(format === 'cjs' && required),
    ...(format === 'iife' && { plugins: [withoutSentences] }),
  });
  return { file, text: unfollowed(outputFiles[0]!.text) };
}

/**
 * Tells bundlers again not to follow an address that a script computes: esbuild removes the
 * comments that say so when it minifies.
 */
function unfollowed(text: string): string {
  const comments = '/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ ';
  return text.replace(/\b(?:import|new Worker)\((?=[\w$]+[(),])/g, (call) => call + comments);
}
