/**
 * Writes safetensors files, F32, with one tensor in memory at a time. The file appears under its
 * name only when it is complete; if writing fails, an existing file is kept.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { LamellaError } from '@lamella/graph/diagnostics';
import { elementCount } from '@lamella/graph/ir';

/**
 * Writes `tensors` to `file` in the given order; `read` returns the values of each in turn (f32
 * row-major). The data starts at a multiple of 8 bytes, so that the file can be mapped. Throws L301
 * if the file cannot be written, and what `read` throws.
 */
export async function writeSafetensors<T extends { readonly name: string; readonly shape: readonly number[] }>(
  file: string,
  tensors: readonly T[],
  read: (tensor: T) => Float32Array | Promise<Float32Array>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  // overwrites what a killed run with the same process id may have left
  const handle = await writing(file, () => open(partial, 'w'));
  try {
    try {
      await writing(file, () => writeFully(handle, headerOf(tensors, metadata)));
      for (const tensor of tensors) {
        const values = await read(tensor);
        if (values.length !== elementCount(tensor.shape))
          throw new Error(`${tensor.name}: ${values.length} values for [${tensor.shape}]`);
        await writing(file, () =>
          writeFully(handle, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
        );
      }
    } finally {
      await handle.close();
    }
    await writing(file, () => rename(partial, file));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** The header's length and JSON, padded with spaces to a multiple of 8 bytes. */
function headerOf(
  tensors: Iterable<{ name: string; shape: readonly number[] }>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let begin = 0;
  for (const { name, shape } of tensors) {
    const end = begin + 4 * elementCount(shape);
    entries.push([name, { dtype: 'F32', shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 30))).bytesWritten;
  }
}

/** Turns a failure of the file system into L301. */
async function writing<R>(file: string, act: () => Promise<R>): Promise<R> {
  try {
    return await act();
  } catch (error) {
    // the system's message without the name of the temporary file, which the user never chose
    const reason = (error as Error).message.replace(/, \w+( '.*)?$/, '');
    throw new LamellaError('L301', { path: file, reason, remedy: 'a folder that exists, may be written and has room' });
  }
}
