/**
 * Reading safetensors: one file, or shards listed by `model.safetensors.index.json`. Headers are read and checked when the checkpoint is
 * opened; data only when asked for, and only the range asked for, straight into the array that was passed. F32 needs no other memory;
 * F16 and BF16 pass through one buffer of at most 4 MiB. Values are little-endian and so are the machines this runs on.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { widenBF16s, widenF16s } from './half.ts';
import { headerLength, lengthBytes, parseHeader, type StoredTensor } from './safetensors-header.ts';

/** Bytes of 16-bit values held at once. */
const chunkBytes = 4 << 20;
/** One read call takes at most 2 GiB - 1. */
const maxReadBytes = 1 << 30;

export interface Checkpoint {
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Fails with L205 unless the tensor has a dtype that can be read. */
  requireReadable(name: string): void;
  /** Fills `into` with the tensor's elements from `from` on, widened to f32. Throws L203 when the file has become shorter meanwhile. */
  read(name: string, from: number, into: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** Opens one `.safetensors` file. Throws L202 or L203 when it is damaged, L204 or L302 when there is none that can be opened. */
export async function openSafetensors(file: string): Promise<Checkpoint> {
  const handle = await openFile(file);
  try {
    const tensors = await readHeader(handle, file);
    const tensorOf = (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`${file} has no tensor ${name}`);
      return tensor;
    };
    return {
      tensors,
      requireReadable(name) {
        const { dtype } = tensorOf(name);
        if (!isReadable(dtype)) throw new LamellaError('L205', { name, file, dtype });
      },
      read: (name, from, into) => readElements(handle, file, tensorOf(name), from, into),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Opens every shard that `indexFile` names, as one checkpoint. Throws L202 when the index is not one, or shards and index disagree;
 * L204 when a shard is missing.
 */
export async function openShards(indexFile: string): Promise<Checkpoint> {
  const shardOf = await readIndex(indexFile);
  const shards: Checkpoint[] = [];
  const close = async () => {
    await Promise.all(shards.map((shard) => shard.close()));
  };
  try {
    const holder = new Map<string, { readonly file: string; readonly shard: Checkpoint }>();
    for (const file of new Set(shardOf.values())) {
      const shard = await openSafetensors(path.join(path.dirname(indexFile), file)).catch((error: unknown) => {
        if (!(error instanceof LamellaError && error.code === 'L204')) throw error;
        const count = [...shardOf.values()].filter((other) => other === file).length;
        throw new LamellaError('L204', {
          path: indexFile,
          reason: `its shard ${file} is missing, with ${count} tensors`,
        });
      });
      shards.push(shard);
      for (const name of shard.tensors.keys()) {
        const other = holder.get(name);
        if (other)
          throw new LamellaError('L202', {
            file: indexFile,
            reason: `tensor ${name} is in two shards, ${other.file} and ${file}`,
          });
        holder.set(name, { file, shard });
      }
    }
    for (const [name, file] of shardOf) {
      if (holder.get(name)?.file === file) continue;
      throw new LamellaError('L202', {
        file: indexFile,
        reason: `it says that tensor ${name} is in ${file}, which does not have it`,
      });
    }
    const shardWith = (name: string) => {
      const held = holder.get(name);
      if (!held) throw new Error(`${indexFile} has no tensor ${name}`);
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

/** Shard file by tensor name, in the order of the index. */
async function readIndex(indexFile: string): Promise<ReadonlyMap<string, string>> {
  const refuse = (reason: string) => new LamellaError('L202', { file: indexFile, reason });
  const handle = await openFile(indexFile);
  let index: unknown;
  try {
    index = JSON.parse(await handle.readFile('utf8'));
  } catch {
    throw refuse('the index is not JSON');
  } finally {
    await handle.close();
  }
  const map = typeof index === 'object' && index !== null && 'weight_map' in index ? index.weight_map : null;
  if (typeof map !== 'object' || map === null || Object.keys(map).length === 0)
    throw refuse('the index has no weight_map');
  return new Map(
    Object.entries(map).map(([name, file]: [string, unknown]) => {
      // A name with a folder in it could lead out of the checkpoint.
      if (typeof file !== 'string' || file === '' || file !== path.basename(file) || file.includes('\\')) {
        throw refuse(`the shard of tensor ${name} is not a file name: ${JSON.stringify(file)}`);
      }
      return [name, file];
    }),
  );
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    // Asked before opening, because opening a pipe waits for someone to write to it.
    if ((await stat(file)).isFile()) return await open(file, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new LamellaError('L204', { path: file, reason: 'there is no such file' });
    throw new LamellaError('L302', { path: file, reason: (error as Error).message, remedy: 'a file that may be read' });
  }
  throw new LamellaError('L204', { path: file, reason: 'it is not a file' });
}

async function readHeader(handle: FileHandle, file: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const { size } = await handle.stat();
  const start = new Uint8Array(lengthBytes);
  await handle.read(start, 0, lengthBytes, 0);
  const json = new Uint8Array(headerLength(start, size, file));
  await readFully(handle, file, json, lengthBytes);
  return parseHeader(json, size, file);
}

function isReadable(dtype: string): dtype is 'F32' | 'F16' | 'BF16' {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

async function readElements(
  handle: FileHandle,
  file: string,
  tensor: StoredTensor,
  from: number,
  into: Float32Array,
): Promise<void> {
  const { name, dtype, begin, end } = tensor;
  if (!isReadable(dtype)) throw new LamellaError('L205', { name, file, dtype });
  const width = dtype === 'F32' ? 4 : 2;
  if (begin + width * (from + into.length) > end)
    throw new Error(`${name} has no elements ${from} to ${from + into.length}`);
  if (dtype === 'F32') {
    await readFully(handle, file, new Uint8Array(into.buffer, into.byteOffset, into.byteLength), begin + 4 * from);
    return;
  }
  const widen = dtype === 'F16' ? widenF16s : widenBF16s;
  const buffer = new Uint16Array(Math.min(into.length, chunkBytes / 2));
  for (let done = 0; done < into.length; done += buffer.length) {
    const halves = buffer.subarray(0, into.length - done);
    await readFully(handle, file, new Uint8Array(halves.buffer, 0, halves.byteLength), begin + 2 * (from + done));
    widen(halves, new Int32Array(into.buffer, into.byteOffset + 4 * done, halves.length));
  }
}

/** Fills `bytes` from byte `position` of the file on. */
async function readFully(handle: FileHandle, file: string, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, maxReadBytes), position + done);
    if (bytesRead === 0) throw new LamellaError('L203', { file, reason: `nothing is left at byte ${position + done}` });
    done += bytesRead;
  }
}
