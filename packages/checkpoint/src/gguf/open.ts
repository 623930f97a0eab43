/**
 * Opening a GGUF file: its beginning is read and checked, whatever the size of the rest; tensors are read only when asked for, and only the
 * range asked for.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { otherFile } from '../other-files.ts';
import { type Checkpoint, type OpenFile, openTensors, readFully } from '../tensor-file.ts';
import { type Beginning, type Metadata, MoreNeeded, readBeginning } from './container.ts';
import { MAGIC } from './format.ts';
import { ggmlDtypes } from './tensor-types.ts';

/** Tensors by ggml's names, as they lie in the file. */
export interface GgufFile extends Checkpoint {
  readonly metadata: Metadata;
}

/** Bytes read at first: more than the metadata of a small vocabulary takes. */
const firstBytes = 1 << 20;

/** Opens one `.gguf` file. Throws L203 or L220 when it is damaged, L204 or L302 when there is none that can be opened. */
export async function openGguf(file: string): Promise<GgufFile> {
  let metadata: Metadata = new Map();
  const checkpoint = await openTensors(file, ggmlDtypes, async (opened) => {
    await refuseOther(opened);
    const beginning = await readGrowing(opened);
    metadata = beginning.metadata;
    return beginning.tensors;
  });
  return { ...checkpoint, metadata };
}

/** A file that is something else is refused by what it is. */
async function refuseOther(opened: OpenFile): Promise<void> {
  const start = new Uint8Array(Math.min(MAGIC.length, opened.bytes));
  await readFully(opened, start, 0);
  if (String.fromCharCode(...start) === MAGIC) return;
  const other = await otherFile(opened);
  if (other) throw new LamellaError('L220', { file: opened.file, reason: other.reason, remedy: other.remedy });
}

/** Nothing says how long the beginning is: it is read twice as far until it is whole. */
async function readGrowing(opened: OpenFile): Promise<Beginning> {
  for (let size = Math.min(firstBytes, opened.bytes); ; ) {
    const bytes = new Uint8Array(size);
    await readFully(opened, bytes, 0);
    try {
      return readBeginning(bytes, opened.bytes, opened.file);
    } catch (error) {
      if (!(error instanceof MoreNeeded)) throw error;
      size = Math.min(opened.bytes, Math.max(error.bytes, 2 * size));
    }
  }
}
