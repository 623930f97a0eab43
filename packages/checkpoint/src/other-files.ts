/**
 * Recognises files of other kinds that have a checkpoint's name, so that the message says what the
 * file is. Fetching it again would not help.
 */
import { type OpenFile, readFully } from './tensor-file.ts';

/** The kind of a file, and a remedy. */
interface Other {
  readonly reason: string;
  readonly remedy: string;
}

const lfs = {
  reason: 'it is a pointer of Git LFS, not the file itself',
  remedy: 'git lfs pull in its folder',
};
const page = { reason: 'it is a web page', remedy: "the address behind the page's download link" };

/** Kinds of files by their first bytes. */
const beginnings: readonly (readonly [start: string, other: Other])[] = [
  ['version https:', lfs],
  ['<!doctype html', page],
  ['<html', page],
  ['gguf', { reason: 'it is a GGUF file', remedy: 'a name that ends in .gguf' }],
  ['\x89hdf', { reason: 'it is an HDF5 file', remedy: 'the checkpoint for PyTorch, or a .safetensors file' }],
  ['\x1f\x8b', { reason: 'it is compressed by gzip', remedy: 'gunzip on it first' }],
];

/** Offset of the magic text of a tar archive. */
const tarMark = 257;

/** The kind of the file if it is recognised as something else; otherwise null. */
export async function otherFile(opened: OpenFile): Promise<Other | null> {
  const bytes = new Uint8Array(Math.min(tarMark + 5, opened.bytes));
  await readFully(opened, bytes, 0);
  const start = String.fromCharCode(...bytes);
  if (start.slice(tarMark) === 'ustar')
    return { reason: 'it is a tar archive', remedy: 'unpacking it, or a .safetensors file' };
  return beginnings.find(([known]) => start.toLowerCase().startsWith(known))?.[1] ?? null;
}
