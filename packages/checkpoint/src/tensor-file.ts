/**
 * Reads ranges of tensors from a file of any format, directly into the caller's array. F32 needs no
 * other memory; other dtypes pass through one buffer of at most 4 MiB. Values are little-endian,
 * and so are the supported machines.
 */
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Dtype, Dtypes } from './dtypes.ts';
import { shown } from './excerpt.ts';
import { gather } from './strided.ts';

/** The most bytes held at a time while values are widened. */
const chunkBytes = 4 << 20;
/** One read call returns at most 2 GiB - 1. */
const maxReadBytes = 1 << 30;

/** The place of one tensor in a file: row-major, unless it has strides. */
export interface StoredTensor {
  readonly name: string;
  /** In the file format's spelling: for safetensors e.g. `F16`, for ggml e.g. `Q8_0`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The first byte, and the one after the last, counted from the start of the file. */
  readonly begin: number;
  readonly end: number;
  /**
   * Elements from one index to the next along each axis; only for tensors that are not row-major.
   */
  readonly stride?: readonly number[];
}

export interface Checkpoint {
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Throws L205 unless the tensor's dtype can be read. */
  requireReadable(name: string): void;
  /**
   * Fills `into` with the tensor's elements from `from` on, widened to f32. Throws L203 if the file
   * has become shorter since it was opened.
   */
  read(name: string, from: number, into: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** An open file with its size; `file` is its name in messages. */
export interface OpenFile {
  readonly file: string;
  readonly bytes: number;
  readonly handle: FileHandle;
}

/**
 * Opens `file`, whose tensors may have any of `dtypes`. `readTensors` reads their places; if it
 * fails, the file is closed again. Throws L204 if there is no such file, L302 if it cannot be
 * opened.
 */
export async function openTensors(
  file: string,
  dtypes: Dtypes,
  readTensors: (opened: OpenFile) => Promise<ReadonlyMap<string, StoredTensor>>,
): Promise<Checkpoint> {
  const handle = await openFile(file);
  try {
    const opened = { file, handle, bytes: (await handle.stat()).size };
    const tensors = await readTensors(opened);
    const dtypeOf = ({ name, dtype }: StoredTensor): Dtype => {
      const found = dtypes.get(dtype);
      if (found) return found;
      const readable = `one of ${[...dtypes.keys()].join(', ')}`;
      throw new LamellaError('L205', { name: shown(name), file, dtype: shown(dtype), readable });
    };
    const tensorOf = (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`${file} has no tensor ${name}`);
      return tensor;
    };
    // A view is read as a whole, once, because its elements are often requested in pieces.
    let held: { readonly tensor: StoredTensor; readonly span: Float32Array } | null = null;
    const spanOf = async (tensor: StoredTensor): Promise<Float32Array> => {
      if (held?.tensor !== tensor) {
        held = null;
        const span = new Float32Array((tensor.end - tensor.begin) / dtypeOf(tensor).blockBytes);
        await readElements(opened, tensor, dtypeOf(tensor), 0, span);
        held = { tensor, span };
      }
      return held.span;
    };
    return {
      tensors,
      requireReadable(name) {
        dtypeOf(tensorOf(name));
      },
      async read(name, from, into) {
        const tensor = tensorOf(name);
        const { shape, stride } = tensor;
        if (stride) gather(await spanOf(tensor), { shape, stride }, from, into);
        else await readElements(opened, tensor, dtypeOf(tensor), from, into);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Opens a file, but no folder or pipe. Throws L204 if there is none, L302 without permission to
 * read it.
 */
export async function openFile(file: string): Promise<FileHandle> {
  try {
    // Checked before opening, because opening a pipe waits for a writer.
    if ((await stat(file)).isFile()) return await open(file, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const link = await lstat(file).catch(() => null);
      const reason = link ? 'it is a link to a file that is not there' : 'there is no such file';
      throw new LamellaError('L204', { path: file, reason });
    }
    throw new LamellaError('L302', { path: file, reason: (error as Error).message, remedy: 'a file that may be read' });
  }
  throw new LamellaError('L204', { path: file, reason: 'it is not a file' });
}

/** Fills `bytes` from byte `position` of the file on. Throws L203 if the file ends earlier. */
export async function readFully({ handle, file }: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, maxReadBytes), position + done);
    if (bytesRead === 0) throw new LamellaError('L203', { file, reason: `nothing is left at byte ${position + done}` });
    done += bytesRead;
  }
}

/** Reads elements in the order of the file, regardless of the tensor's strides. */
async function readElements(
  opened: OpenFile,
  { name, dtype, begin, end }: StoredTensor,
  { blockValues, blockBytes, widen }: Dtype,
  from: number,
  into: Float32Array,
): Promise<void> {
  const elements = ((end - begin) / blockBytes) * blockValues;
  if (from + into.length > elements) throw new Error(`${name} has no elements ${from} to ${from + into.length}`);
  if (dtype === 'F32') {
    await readFully(opened, new Uint8Array(into.buffer, into.byteOffset, into.byteLength), begin + 4 * from);
    return;
  }
  const mostBlocks = Math.floor(chunkBytes / blockBytes);
  const buffer = new Uint8Array(Math.min(mostBlocks, Math.ceil(into.length / blockValues) + 1) * blockBytes);
  for (let done = 0; done < into.length; ) {
    const block = Math.floor((from + done) / blockValues);
    const skipped = from + done - block * blockValues;
    const count = Math.min(into.length - done, (buffer.length / blockBytes) * blockValues - skipped);
    const blocks = Math.ceil((skipped + count) / blockValues);
    const bytes = buffer.subarray(0, blocks * blockBytes);
    await readFully(opened, bytes, begin + block * blockBytes);
    const wanted = into.subarray(done, done + count);
    if (count === blocks * blockValues) widen(bytes, wanted);
    else {
      const values = new Float32Array(blocks * blockValues);
      widen(bytes, values);
      wanted.set(values.subarray(skipped, skipped + count));
    }
    done += count;
  }
}
