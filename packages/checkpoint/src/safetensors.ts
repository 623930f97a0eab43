/**
 * Reads safetensors files. The header is read and checked on opening; data is read on request, and
 * only the requested range.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { floats } from './dtypes.ts';
import { otherFile } from './other-files.ts';
import { headerLength, lengthBytes, parseHeader } from './safetensors-header.ts';
import { type Checkpoint, openTensors, readFully } from './tensor-file.ts';

/**
 * Opens one `.safetensors` file. Throws L202 or L203 if it is damaged, L204 or L302 if it cannot be
 * opened.
 */
export async function openSafetensors(file: string): Promise<Checkpoint> {
  return openTensors(file, floats, async (opened) => {
    const start = new Uint8Array(Math.min(lengthBytes, opened.bytes));
    await readFully(opened, start, 0);
    const other = await otherFile(opened);
    if (other) throw new LamellaError('L202', { file, reason: other.reason });
    const json = new Uint8Array(headerLength(start, opened.bytes, file));
    await readFully(opened, json, lengthBytes);
    return parseHeader(json, opened.bytes, file);
  });
}
