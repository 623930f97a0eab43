/**
 * Reads a checkpoint in several files, as Hugging Face writes it: an index, `{"weight_map": {tensor
 * name: file name}}`, and the shards beside it. Each shard lists its own tensors; the index must
 * agree with them.
 */
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { excerpt, shown } from './excerpt.ts';
import { type Checkpoint, openFile } from './tensor-file.ts';

/** Keeps a damaged index from causing a huge allocation: a million tensors need less. */
const maxIndexBytes = 100_000_000;

/**
 * Opens all shards of `indexFile` with `openShard`, as one checkpoint. Throws L210 if it is not an
 * index, or if shards and index disagree; L204 if a shard is missing or is not a file; and what
 * `openShard` throws.
 */
export async function openShards(
  indexFile: string,
  openShard: (file: string) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  const refuse = (reason: string) => new LamellaError('L210', { file: indexFile, reason });
  const shardOf = await readIndex(indexFile);
  const shards: Checkpoint[] = [];
  const close = async () => {
    await Promise.all(shards.map((shard) => shard.close()));
  };
  try {
    const holder = new Map<string, { readonly file: string; readonly shard: Checkpoint }>();
    for (const file of new Set(shardOf.values())) {
      const shard = await openShard(path.join(path.dirname(indexFile), file)).catch((error: unknown) => {
        if (!(error instanceof LamellaError && error.code === 'L204')) throw error;
        const count = [...shardOf.values()].filter((other) => other === file).length;
        throw new LamellaError('L204', {
          path: indexFile,
          reason: `its shard ${shown(file)}, with ${count} tensors, cannot be opened: ${error.args.reason}`,
        });
      });
      shards.push(shard);
      for (const name of shard.tensors.keys()) {
        const other = holder.get(name);
        if (other) throw refuse(`tensor ${shown(name)} is in two shards, ${shown(other.file)} and ${shown(file)}`);
        holder.set(name, { file, shard });
      }
    }
    for (const [name, file] of shardOf) {
      if (holder.get(name)?.file !== file)
        throw refuse(`it says that tensor ${shown(name)} is in ${shown(file)}, which does not have it`);
    }
    const shardWith = (name: string) => {
      const held = holder.get(name);
      if (!held) throw new Error(`${indexFile} has no tensor ${shown(name)}`);
      return held.shard;
    };
    return {
      tensors: new Map(shards.flatMap((shard) => [...shard.tensors])),
      requireReadable: (name) => shardWith(name).requireReadable(name),
      read: (name, from, into) => shardWith(name).read(name, from, into),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Names of the shards in `indexFile`. Throws L210 if it is not an index, L204 or L302 if it cannot
 * be opened.
 */
export async function shardFiles(indexFile: string): Promise<readonly string[]> {
  return [...new Set((await readIndex(indexFile)).values())];
}

/** The shard file of each tensor, in the order of the index. */
async function readIndex(indexFile: string): Promise<ReadonlyMap<string, string>> {
  const refuse = (reason: string) => new LamellaError('L210', { file: indexFile, reason });
  const handle = await openFile(indexFile);
  let index: unknown;
  try {
    const { size } = await handle.stat();
    if (size > maxIndexBytes) throw refuse(`it has ${size} bytes, and an index at most ${maxIndexBytes}`);
    // TextDecoder removes a byte order mark
    index = JSON.parse(new TextDecoder().decode(await handle.readFile()));
  } catch (error) {
    throw error instanceof LamellaError ? error : refuse('it is not JSON');
  } finally {
    await handle.close();
  }
  const map = typeof index === 'object' && index !== null && 'weight_map' in index ? index.weight_map : null;
  if (typeof map !== 'object' || map === null || Object.keys(map).length === 0) throw refuse('it has no weight_map');
  return new Map(
    Object.entries(map).map(([name, file]: [string, unknown]) => {
      // A file name with a folder in it could lead out of the checkpoint.
      if (typeof file !== 'string' || !/^[^/\\\0]+$/.test(file) || file === '.' || file === '..') {
        throw refuse(`the shard of tensor ${shown(name)} is not a file name: ${excerpt(file)}`);
      }
      return [name, file];
    }),
  );
}
