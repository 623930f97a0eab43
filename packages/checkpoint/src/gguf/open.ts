/**
 * Opens a GGUF file. Its beginning is read and checked at once; tensors are read on demand, only
 * the requested range.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { otherFile } from '../other-files.ts';
import { type Checkpoint, type OpenFile, openTensors, readFully } from '../tensor-file.ts';
import { type Beginning, type Metadata, MoreNeeded, readBeginning } from './container.ts';
import { MAGIC } from './format.ts';
import { ggmlDtypes } from './tensor-types.ts';

/** Tensors by ggml's names, as they are stored in the file. */
export interface GgufFile extends Checkpoint {
  readonly metadata: Metadata;
}

/** The size of the first read: enough for a vocabulary of 262,144 tokens with its merges. */
const firstBytes = 16 << 20;

/**
 * Opens one `.gguf` file. Throws L203 or L220 if it is damaged, L204 or L302 if it cannot be
 * opened.
 */
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

/** Refuses a file of another kind, and names the kind. */
async function refuseOther(opened: OpenFile): Promise<void> {
  const start = new Uint8Array(Math.min(MAGIC.length, opened.bytes));
  await readFully(opened, start, 0);
  if (String.fromCharCode(...start) === MAGIC) return;
  const other = await otherFile(opened);
  if (other) throw new LamellaError('L220', { file: opened.file, reason: other.reason, remedy: other.remedy });
}

/** Reads twice as much until the beginning is complete: the file does not store its length. */
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
