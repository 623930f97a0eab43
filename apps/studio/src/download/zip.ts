/**
 * A ZIP archive (PKWARE's APPNOTE.TXT 6.3.10) whose files are stored, because weights compress
 * little. It is a Blob of the files' Blobs, which a browser may keep on disk, so a large package
 * needs no second copy in memory. It must stay below 4 GiB, where another version of the format
 * begins.
 */

export interface StoredFile {
  readonly content: Blob;
  /** `crc32` of the content. */
  readonly crc: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/**
 * Version 1.0 of the format; names in UTF-8; stored; 1 January 1980, so that equal files make equal
 * archives.
 */
const common = [10, 0x0800, 0, 0, (1 << 5) | 1];

/** The archive of these files, by their paths. */
export function zip(files: ReadonlyMap<string, StoredFile>): Blob {
  const parts: BlobPart[] = [];
  const directory: BlobPart[] = [];
  let at = 0;
  let directoryBytes = 0;
  for (const [path, { content, crc }] of files) {
    const name = new TextEncoder().encode(path);
    const sizes = { u32: [crc, content.size, content.size], u16: [name.length, 0] };
    const local = record([LOCAL], common, sizes.u32, sizes.u16);
    // No comment, one disk, no attributes; then where the file's local header is.
    const central = record([CENTRAL], [20, ...common], sizes.u32, [...sizes.u16, 0, 0, 0], [0, at]);
    parts.push(local, name, content);
    directory.push(central, name);
    at += local.length + name.length + content.size;
    directoryBytes += central.length + name.length;
  }
  const end = record([END], [0, 0, files.size, files.size], [directoryBytes, at], [0]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

/** Little-endian numbers: groups of 32 and of 16 bits in turn. */
function record(...groups: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const bytes = groups.flatMap((group, i) =>
    group.flatMap((value) => (i % 2 === 0 ? [0, 8, 16, 24] : [0, 8]).map((shift) => (value >>> shift) & 0xff)),
  );
  return Uint8Array.from(bytes);
}

/** CRC-32 of each byte alone (polynomial 0xedb88320, reflected). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
