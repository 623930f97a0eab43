/** What lies under a checkpoint's name and is something else says what it is: fetching it again would bring the same. */
import { type OpenFile, readFully } from './tensor-file.ts';

/** What a file is, and what to do about it. */
interface Other {
  readonly reason: string;
  readonly remedy: string;
}

const lfs = {
  reason: 'it is a pointer of Git LFS, not the file itself',
  remedy: 'git lfs pull in its folder',
};
const page = { reason: 'it is a web page', remedy: "the address behind the page's download link" };

/** By how a file begins. */
const beginnings: readonly (readonly [start: string, other: Other])[] = [
  ['version https:', lfs],
  ['<!doctype html', page],
  ['<html', page],
  ['gguf', { reason: 'it is a GGUF file', remedy: 'a name that ends in .gguf' }],
  ['\x89hdf', { reason: 'it is an HDF5 file', remedy: 'the checkpoint for PyTorch, or a .safetensors file' }],
  ['\x1f\x8b', { reason: 'it is compressed by gzip', remedy: 'gunzip on it first' }],
];

/** Where a tar archive names itself. */
const tarMark = 257;

/** What else a file is found to be; null where it may be what its name says. */
export async function otherFile(opened: OpenFile): Promise<Other | null> {
  const bytes = new Uint8Array(Math.min(tarMark + 5, opened.bytes));
  await readFully(opened, bytes, 0);
  const start = String.fromCharCode(...bytes);
  if (start.slice(tarMark) === 'ustar')
    return { reason: 'it is a tar archive', remedy: 'unpacking it, or a .safetensors file' };
  return beginnings.find(([known]) => start.toLowerCase().startsWith(known))?.[1] ?? null;
}
