/**
 * The scripts of a package without the code that makes them, so that the studio, which has no
 * esbuild, uses this too: the same bundles serve all packages with the same parts, and a header
 * adds what is particular to one package.
 */

/** A text file of a package. */
export interface Script {
  readonly file: string;
  readonly text: string;
}

/** The optional parts of the runtime that a package has. */
export interface Parts {
  readonly tokenizer: boolean;
  readonly chat: boolean;
  readonly webgpu: boolean;
}

/** The facts about a package that its scripts contain. */
export interface Contents extends Parts {
  readonly name: string;
  /** Distinguishes packages of the same name: changes with every file that the runtime reads. */
  readonly id: string;
  /** The files that the runtime reads: manifest, kernels, weights, tokenizer. */
  readonly files: readonly string[];
}

/**
 * The name of a second copy of a file for Parcel, which turns every `.json` file into a script,
 * even if only its URL is used.
 */
export function parcelName(file: string): string {
  return file.replace(/\.json$/, '.raw');
}

/** The scripts of a package, from the bundles for its parts. */
export function withHeaders(bundles: readonly Script[], contents: Contents): readonly Script[] {
  const own = (file: string) => file;
  const headers: Readonly<Record<string, string>> = {
    'index.js': header(contents, own, 'import.meta.url'),
    'parcel.js': header(contents, parcelName, 'import.meta.url'),
    'node.js': header(contents, own, 'import.meta.url'),
    'index.cjs': header(contents, own, 'scriptUrl'),
  };
  return bundles.map(({ file, text }) => ({ file, text: `${headers[file] ?? ''}${text}` }));
}

/** What differs between packages with the same parts: the two names that the bundles leave free. */
function header({ name, id, files, tokenizer }: Contents, place: (file: string) => string, base: string): string {
  const url = (file: string) => `new URL(${JSON.stringify(`./${place(file)}`)}, ${base}).href`;
  const scripts = ['worker.js', ...(tokenizer ? ['constraint.js'] : [])];
  const urls = [...scripts, ...files].map((file) => `  ${JSON.stringify(file)}: ${url(file)},\n`);
  return `const packageIdentity = ${JSON.stringify({ name, id })};\nconst packageFiles = () => ({\n${urls.join('')}});\n`;
}
