/**
 * Where a package is expected, a Hugging Face folder will do: its config is imported, its weights are compiled into a cache, and from then on
 * the package there is used, until anything that went into it changes or it is damaged. The cache is `$XDG_CACHE_HOME/lamella`, or
 * `~/.cache/lamella`. An entry holds `package/`, the `graph.ts` that it was made from, and `sha256`, the digest of all of the package.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { weightFiles } from '@lamella/checkpoint/open';
import { LamellaError } from '@lamella/graph/diagnostics';
import { type FormatName, type KvName, usual } from '@lamella/runtime/choices';
import { modelName, readLlamaConfig } from '@lamella/source/llama-config';
import { readFileIfThere } from './files.ts';
import { isPackage } from './package-manifest.ts';
import { replaceFolder } from './replace-folder.ts';
import { cleanUp } from './unfinished.ts';

/** How a checkpoint is to be compiled. */
export interface HowCompiled {
  readonly quant?: FormatName | undefined;
  readonly kv?: KvName | undefined;
  readonly context?: number | undefined;
}

type Chosen = { readonly [K in keyof HowCompiled]-?: NonNullable<HowCompiled[K]> };

/** Longest sequence unless `--context` says otherwise: keys and values of all that a checkpoint allows may take more than its weights. */
const usualContext = 2048;

/** What a package is made from besides weights: read by `llama-config.ts` and `tokenizer-files.ts`. */
const described = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'special_tokens_map.json',
];

/**
 * The folder of the package that `path` stands for: `path` itself unless it is a Hugging Face folder. Throws what importing, opening and
 * compiling a checkpoint throw (L2xx), L301 when the cache cannot be written, L303 for a context that the checkpoint does not have, and
 * L305 when `how` is said about a package, which is compiled already.
 */
export async function packageAt(path: string, how: HowCompiled = {}): Promise<string> {
  // it may have been moved away by a run that was killed just then
  if (!(await isThere(path))) await cleanUp(dirname(resolve(path)));
  if (await isPackage(path)) {
    refuseChoice(path, how);
    return path;
  }
  return (await isFolderWith(path, 'config.json')) ? compiled(path, how) : path;
}

function refuseChoice(path: string, { quant, kv, context }: HowCompiled): void {
  const [option] = Object.entries({ '--quant': quant, '--kv': kv, '--context': context }).find(([, x]) => x) ?? [];
  if (option === undefined) return;
  throw new LamellaError('L305', {
    option,
    reason: `${path} is compiled already, and running it changes nothing about that`,
    remedy: `leaving it out, or lamella compile with ${option}`,
  });
}

async function compiled(
  checkpoint: string,
  { quant = usual.format, kv = usual.kv, context }: HowCompiled,
): Promise<string> {
  const { context: longest } = readLlamaConfig(checkpoint);
  if (context !== undefined && context > longest) {
    const remedy = `up to ${longest}, the max_position_embeddings of ${checkpoint}`;
    throw new LamellaError('L303', { option: '--context', value: String(context), remedy });
  }
  const chosen = { quant, kv, context: context ?? Math.min(longest, usualContext) };
  const out = join(cacheFolder(), `${modelName(checkpoint)}-${await fingerprint(checkpoint, chosen)}`);
  if (!(await isWhole(out))) {
    const damaged = (await isThere(out)) ? `${out} is damaged; ` : '';
    const remedy = 'XDG_CACHE_HOME=DIR, a folder you can write to: compiled checkpoints are then kept there';
    await replaceFolder(out, { replaceable: async () => true, keeps: isWhole, remedy }, async (entry) => {
      process.stderr.write(`${damaged}compiling ${checkpoint} into ${out}\n`);
      await compileInto(entry, checkpoint, chosen);
    });
  }
  if (context === undefined && longest > usualContext)
    process.stderr.write(`context ${usualContext} of ${longest} tokens; --context N changes it\n`);
  return join(out, 'package');
}

async function compileInto(entry: string, checkpoint: string, how: Chosen): Promise<void> {
  const [{ importHuggingFace }, { compile }, { openWeights }, { writePackage }, { loadGraph }, { findTokenizer }] =
    await Promise.all([
      import('@lamella/source/import-config'),
      import('@lamella/compiler/pipeline'),
      import('@lamella/checkpoint/open'),
      import('./build-package.ts'),
      import('./load-graph.ts'),
      import('./tokenizer-files.ts'),
    ]);
  const file = join(entry, 'graph.ts');
  await writeFile(file, importHuggingFace(checkpoint).source);
  const graph = await loadGraph(file);
  const weights = await openWeights(checkpoint, graph);
  try {
    await mkdir(join(entry, 'package'));
    await writePackage(
      await compile(graph, how),
      weights,
      await findTokenizer(checkpoint, graph.vocab),
      join(entry, 'package'),
    );
  } finally {
    await weights.close();
  }
  await writeFile(join(entry, 'sha256'), await digest(join(entry, 'package')));
}

/** Whether everything of an entry is there as it was written. */
async function isWhole(entry: string): Promise<boolean> {
  const written = await readFile(join(entry, 'sha256'), 'utf8').catch(() => null);
  return written !== null && written === (await digest(join(entry, 'package')).catch(() => null));
}

/** Of every file in the folder with its name: a second for a billion bytes, which loading then finds in memory. */
async function digest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(folder)).sort()) {
    const path = join(folder, file);
    hash.update(JSON.stringify([file, (await stat(path)).size]));
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  }
  return hash.digest('hex');
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamella');
}

/**
 * Tells one checkpoint, as this compiler compiles it, from any other. Weight files count by name, size and time, for they are too large to
 * be read on every run; all that is small counts by its content. Other files of the folder do not count, and are not looked at.
 */
async function fingerprint(checkpoint: string, how: Chosen): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(how));
  for (const source of await compilerSources()) hash.update(await readFile(source));
  for (const file of described) {
    // what cannot be read is told when it is needed
    const content = await readFileIfThere(join(checkpoint, file)).catch(() => null);
    if (content) hash.update(JSON.stringify([file, content.length])).update(content);
  }
  for (const file of await weightFiles(checkpoint)) {
    const found = await stat(join(checkpoint, file)).catch(() => null);
    hash.update(JSON.stringify([file, found?.size, found?.mtimeMs]));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Our own sources. They run as they are, so after an update or an edit they are another compiler, whatever its version number. */
async function compilerSources(): Promise<readonly string[]> {
  const packages = fileURLToPath(new URL('../../', import.meta.url));
  const files = (await readdir(packages)).map(async (name) => {
    const folder = join(packages, name, 'src');
    const inside = await readdir(folder, { recursive: true }).catch(() => []); // not every entry is a package
    return inside.map((file) => join(folder, file));
  });
  return (await Promise.all(files))
    .flat()
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

async function isFolderWith(path: string, file: string): Promise<boolean> {
  return (await readdir(path).catch((): string[] => [])).includes(file);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
