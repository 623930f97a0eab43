/**
 * Where a package is expected, a Hugging Face folder will do: its config is imported, its weights are compiled (q8, the whole context) into
 * a cache, and from then on the package there is used, until anything that went into it changes. The cache is
 * `$XDG_CACHE_HOME/lamella`, or `~/.cache/lamella`; each package lies beside the graph file it was made from.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';
import { isPackage } from './package-manifest.ts';

const quant = 'q8';

/**
 * The folder of the package that `path` stands for: `path` itself unless it is a Hugging Face folder. Throws what importing, opening and
 * compiling a checkpoint throw (L2xx), and L301 when the cache cannot be written.
 */
export async function packageAt(path: string): Promise<string> {
  const isCheckpoint = !(await isPackage(path)) && (await isFile(join(path, 'config.json')));
  return isCheckpoint ? compiled(path) : path;
}

async function compiled(checkpoint: string): Promise<string> {
  const { importHuggingFace } = await import('@lamella/source/import-config');
  const { name, source } = importHuggingFace(checkpoint);
  const out = join(cacheFolder(), `${name}-${await fingerprint(checkpoint, source)}`);
  if (await isPackage(out)) return out;
  try {
    await compileInto(out, checkpoint, source);
  } catch (error) {
    if (!(error instanceof LamellaError) || error.code !== 'L301') throw error;
    const reason = 'the cache of compiled checkpoints goes there';
    throw new LamellaError('L301', { path: out, reason, remedy: 'XDG_CACHE_HOME=DIR, a folder you can write to' });
  }
  return out;
}

async function compileInto(out: string, checkpoint: string, source: string): Promise<void> {
  const [{ compile }, { openWeights }, { buildPackage }, { loadGraph }, { findTokenizer }, { writeText }] =
    await Promise.all([
      import('@lamella/compiler/pipeline'),
      import('@lamella/checkpoint/open'),
      import('./build-package.ts'),
      import('./load-graph.ts'),
      import('./tokenizer-files.ts'),
      import('./files.ts'),
    ]);
  await writeText(`${out}.ts`, source, 'replace');
  process.stderr.write(`compiling ${checkpoint} into ${out}\n`);
  const graph = await loadGraph(`${out}.ts`);
  const weights = await openWeights(checkpoint, graph);
  try {
    await buildPackage(await compile(graph, { quant }), weights, await findTokenizer(checkpoint), out);
  } finally {
    await weights.close();
  }
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamella');
}

/**
 * Tells one checkpoint, as this compiler compiles it, from any other. Weight files count by name, size and time, for they are too large to
 * be read on every run; all that is small counts by its content.
 */
async function fingerprint(checkpoint: string, graph: string): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([quant, graph]));
  for (const source of await compilerSources()) hash.update(await readFile(source));
  for (const file of (await readdir(checkpoint)).sort()) {
    const path = join(checkpoint, file);
    if (/\.json$|^tokenizer\.model$/.test(file)) hash.update(file).update(await readFile(path));
    if (!/\.(safetensors|bin)$/.test(file)) continue;
    const { size, mtimeMs } = await stat(path);
    hash.update(JSON.stringify([file, size, mtimeMs]));
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

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
