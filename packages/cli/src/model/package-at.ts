/**
 * Accepts a checkpoint (a Hugging Face folder or a GGUF file) in place of a package: its config is
 * imported and its weights are compiled into a cache. Later runs use that package until one of its
 * sources changes or it is damaged. The cache is `$XDG_CACHE_HOME/lamella`, or `~/.cache/lamella`.
 * An entry holds `package/`, the `graph.ts` that it was made from, and `sha256`, the digest of the
 * whole package.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelName } from '@lamella/checkpoint/decoder/model-name';
import { weightFiles } from '@lamella/checkpoint/open';
import { listed, type Observed, refuseChoices } from '../api/options.ts';
import { readFileIfThere } from '../files.ts';
import { build } from '../own-package.ts';
import { replaceFolder } from '../package/replace-folder.ts';
import { cleanUp } from '../package/unfinished.ts';
import { type Asked, type Chosen, chosenFor, type HowCompiled, refuseUnanswerable } from './checkpoint.ts';
import { modelKind } from './model-kind.ts';
import { standsIn } from './stand-in.ts';
import { roundingNote } from './stored-weights.ts';

/**
 * The sources of a folder's package besides weights, read by `families.ts` and
 * `tokenizer-files.ts`. A GGUF file contains all of its sources.
 */
const described = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'additional_chat_templates/tool_use.jinja',
];

/**
 * The folder of the package for `path`: `path` itself unless it is a checkpoint. Throws L308 if it
 * is neither, the errors of importing, opening and compiling a checkpoint (L2xx), L301 if the cache
 * cannot be written, L303 for a context longer than the checkpoint's, L305 if `how` is given for a
 * package, which is compiled already, and the errors of `refuseUnanswerable` for a checkpoint.
 */
export async function packageAt(
  path: string,
  how: HowCompiled = {},
  asked: Asked = {},
  observed: Observed = {},
): Promise<string> {
  // A run that was killed just then may have moved it away.
  if (!(await isThere(path))) await cleanUp(dirname(resolve(path)));
  if ((await modelKind(path)) === 'checkpoint') return compiled(path, how, asked, observed);
  refuseChoices(path, how);
  return path;
}

async function compiled(checkpoint: string, how: HowCompiled, asked: Asked, observed: Observed): Promise<string> {
  const { chosen, note } = await chosenFor(checkpoint, how);
  const ignore = listed(how.ignore ?? []);
  await refuseUnanswerable(checkpoint, { context: chosen.context, ignore }, asked);
  const out = join(cacheFolder(), `${modelName(checkpoint)}-${await fingerprint(checkpoint, chosen, ignore)}`);
  // Of two simultaneous runs, one may have been killed while the other made the entry.
  await cleanUp(cacheFolder());
  if (!(await isWhole(out))) {
    const found = await stat(out).catch(() => null);
    const damaged = found ? `${out} is damaged; ` : '';
    // Not a folder, so no run has made it.
    if (found?.isDirectory() === false) await rm(out).catch(() => {});
    const remedy = 'XDG_CACHE_HOME=DIR, a folder you can write to: compiled checkpoints are then kept there';
    await replaceFolder(out, { replaceable: async () => true, keeps: isWhole, remedy }, async (entry) => {
      observed.onNote?.(`${damaged}compiling ${checkpoint} into ${out}`);
      const { ofConfig } = await import('./imported-graph.ts');
      await ofConfig(checkpoint, () => compileInto(entry, { checkpoint, how: chosen, ignore }, observed));
    });
  }
  if (note !== null) observed.onNote?.(`${note}; the option context changes it`);
  const made = join(out, 'package');
  standsIn(made, checkpoint);
  return made;
}

/** What an entry is made from. */
interface Source {
  readonly checkpoint: string;
  readonly how: Chosen;
  /** Patterns of superfluous tensors. */
  readonly ignore: readonly string[];
}

async function compileInto(entry: string, { checkpoint, how, ignore }: Source, observed: Observed): Promise<void> {
  const [{ importedGraph }, { compile }, { openWeights }, { packageInFolder }, { findTokenizer }] = await Promise.all([
    import('./imported-graph.ts'),
    import('@lamella/compiler/pipeline'),
    import('@lamella/checkpoint/open'),
    import('../package/build-package.ts'),
    import('./tokenizer-files.ts'),
  ]);
  standsIn(join(entry, 'package'), checkpoint);
  const { graph, source } = await importedGraph(checkpoint, ignore);
  await writeFile(join(entry, 'graph.ts'), source);
  const tokenizer = await findTokenizer(checkpoint, graph.vocab);
  const weights = await openWeights(checkpoint, graph, ignore);
  try {
    for (const note of [await roundingNote(checkpoint, how.quant), tokenizer?.chat?.note ?? null])
      if (note !== null) observed.onNote?.(note);
    await mkdir(join(entry, 'package'));
    const compilation = await compile(graph, how);
    await packageInFolder({ compilation, weights, tokenizer }, join(entry, 'package'), observed);
  } finally {
    await weights.close();
  }
  await writeFile(join(entry, 'sha256'), await digest(join(entry, 'package')));
}

/** Whether an entry is complete and unchanged. */
async function isWhole(entry: string): Promise<boolean> {
  const written = await readFile(join(entry, 'sha256'), 'utf8').catch(() => null);
  return written !== null && written === (await digest(join(entry, 'package')).catch(() => null));
}

/**
 * The digest of every file in the folder with its name: one second per 10^9 bytes, which loading
 * then finds in the system's cache.
 */
async function digest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(folder)).sort()) {
    const path = join(folder, file);
    const found = await stat(path);
    // Opening a pipe waits for a writer.
    if (!found.isFile()) throw new Error(`${path} is not a file`);
    hash.update(JSON.stringify([file, found.size]));
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  }
  return hash.digest('hex');
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir() || userInfo().homedir, '.cache'), 'lamella');
}

/**
 * Identifies a checkpoint together with this compiler and its options. Weight files count by name,
 * size and time, because they are too large to read on every run; small files count by content.
 * Other files of the folder are ignored.
 */
async function fingerprint(checkpoint: string, how: Chosen, ignore: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([how, ignore]));
  if (build !== undefined) hash.update(build);
  else for (const source of await compilerSources()) hash.update(await readFile(source));
  for (const file of described) {
    // A file that cannot be read is reported when it is needed.
    const content = await readFileIfThere(join(checkpoint, file)).catch(() => null);
    if (content) hash.update(JSON.stringify([file, content.length])).update(content);
  }
  for (const file of await weightFiles(checkpoint)) {
    const found = await stat(file).catch(() => null);
    hash.update(JSON.stringify([basename(file), found?.size, found?.mtimeMs]));
  }
  return hash.digest('hex').slice(0, 12);
}

/**
 * The sources of Lamella in a checkout. They run uncompiled, so an edit makes another compiler,
 * even with the same version number.
 */
async function compilerSources(): Promise<readonly string[]> {
  const packages = fileURLToPath(new URL('../../../', import.meta.url));
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

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
