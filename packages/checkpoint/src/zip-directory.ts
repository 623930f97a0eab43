/**
 * Finds the entries of a zip archive whose entries are stored uncompressed. `torch.save` compresses
 * nothing, so that tensors can be read, or mapped, in place. Compressed entries are refused by
 * name, which also excludes zip bombs.
 *
 * The archive's end holds the end record, preceded in archives over 4 GiB by the zip64 locator and
 * record. They point to the directory, which points to each entry's own header, which says where
 * the entry's data begins (APPNOTE.TXT 6.3, sections 4.3.6 to 4.5.3). The archive is checked before
 * any place is returned: every entry lies within the file and none overlaps another.
 */
import { shown } from './excerpt.ts';
import { type OpenFile, readFully } from './tensor-file.ts';

/**
 * The data of an entry: its first byte, and the one after the last, counted from the start of the
 * file.
 */
export interface ZipEntry {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

const endBytes = 22;
const locatorBytes = 20;
const end64Bytes = 56;
const centralBytes = 46;
const localBytes = 30;
const signatures = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator: 0x07064b50 };
/**
 * Far more than any checkpoint has. It keeps a damaged directory from taking hours or much memory.
 */
const maxEntries = 1 << 15;
const maxDirectoryBytes = 16 << 20;

type Refuse = (reason: string) => Error;

/**
 * The entries of the archive, by name. Throws `refuse(reason)`, or L203 if the file becomes shorter
 * meanwhile.
 */
export async function readZipDirectory(archive: OpenFile, refuse: Refuse): Promise<ReadonlyMap<string, ZipEntry>> {
  const directory = await findDirectory(archive, refuse);
  const headers = parseDirectory(await bytesAt(archive, directory.begin, directory.bytes), directory, refuse);
  const entries = new Map<string, ZipEntry>();
  let filled = 0;
  let previous = '';
  for (const header of headers.toSorted((a, b) => a.at - b.at)) {
    const { name, at, size } = header;
    if (at < filled)
      throw refuse(`its entry ${shown(name)} starts at byte ${at}, inside ${shown(previous)}, which ends at ${filled}`);
    const begin = await dataStart(archive, header, directory.begin, refuse);
    if (begin + size > directory.begin) throw refuse(`its entry ${shown(name)} reaches beyond the data`);
    if (entries.has(name)) throw refuse(`it has two entries ${shown(name)}`);
    entries.set(name, { name, begin, end: begin + size });
    filled = begin + size;
    previous = name;
  }
  return entries;
}

/** The place of the directory, and the number of entries it should have. */
interface Directory {
  readonly begin: number;
  readonly bytes: number;
  readonly entries: number;
}

async function findDirectory(archive: OpenFile, refuse: Refuse): Promise<Directory> {
  const tailBytes = Math.min(archive.bytes, endBytes + 0xffff);
  const tailStart = archive.bytes - tailBytes;
  const tail = await bytesAt(archive, tailStart, tailBytes);
  let at = tailBytes - endBytes;
  // A comment of up to 64 KiB may follow the record; a record is accepted only if its comment ends
  // the file.
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === signatures.end && at + endBytes + tail.getUint16(at + 20, true) === tailBytes)
  )
    at--;
  if (at < 0) throw refuse('it does not end as a zip archive does, so part of it may be missing');
  const end = {
    entries: tail.getUint16(at + 10, true),
    bytes: tail.getUint32(at + 12, true),
    begin: tail.getUint32(at + 16, true),
  };
  const record = tailStart + at;
  const is64 = end.entries === 0xffff || end.bytes === 0xffff_ffff || end.begin === 0xffff_ffff;
  const directory = is64 ? await readEnd64(archive, record, refuse) : { ...end, limit: record };
  if (directory.begin + directory.bytes > directory.limit) throw refuse('its zip directory lies beyond its end');
  if (directory.bytes > maxDirectoryBytes || directory.entries > maxEntries)
    throw refuse(
      `it has ${directory.entries} entries in a directory of ${directory.bytes} bytes; ${maxEntries} in ${maxDirectoryBytes} are read`,
    );
  return directory;
}

async function readEnd64(archive: OpenFile, record: number, refuse: Refuse): Promise<Directory & { limit: number }> {
  if (record < locatorBytes + end64Bytes) throw refuse('its zip64 record is missing');
  const locator = await bytesAt(archive, record - locatorBytes, locatorBytes);
  if (locator.getUint32(0, true) !== signatures.locator) throw refuse('its zip64 record is missing');
  const limit = u64(locator, 8, refuse);
  if (limit > record - locatorBytes - end64Bytes) throw refuse('its zip64 record lies beyond its end');
  const end = await bytesAt(archive, limit, end64Bytes);
  if (end.getUint32(0, true) !== signatures.end64) throw refuse('its zip64 record is missing');
  return { entries: u64(end, 32, refuse), bytes: u64(end, 40, refuse), begin: u64(end, 48, refuse), limit };
}

/** An entry of the directory; `at` is the offset of the entry's own header. */
interface Header {
  readonly name: string;
  readonly nameBytes: number;
  readonly at: number;
  readonly size: number;
}

function parseDirectory(view: DataView, directory: Directory, refuse: Refuse): readonly Header[] {
  const headers: Header[] = [];
  let at = 0;
  for (let i = 0; i < directory.entries; i++) {
    if (at + centralBytes > view.byteLength || view.getUint32(at, true) !== signatures.central)
      throw refuse(`its zip directory has ${i} entries and should have ${directory.entries}`);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + centralBytes + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > view.byteLength) throw refuse(`entry ${i} of its zip directory is cut off`);
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + centralBytes, nameBytes));
    if (view.getUint16(at + 8, true) & 1) throw refuse(`its entry ${shown(name)} is encrypted`);
    if (view.getUint16(at + 10, true) !== 0) throw refuse(`its entry ${shown(name)} is compressed`);
    const extra = new DataView(view.buffer, view.byteOffset + at + centralBytes + nameBytes, extraBytes);
    headers.push({ name, nameBytes, ...placeOf(view, at, extra, name, refuse) });
    at = next;
  }
  if (at !== view.byteLength)
    throw refuse(`its zip directory has more than the ${directory.entries} entries it should have`);
  return headers;
}

/**
 * Size and position of an entry. A value that exceeds 32 bits is all ones there and stored in the
 * extra field with tag 1.
 */
function placeOf(
  view: DataView,
  at: number,
  extra: DataView,
  name: string,
  refuse: Refuse,
): { size: number; at: number } {
  const narrow = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  let wide = 0;
  let wideEnd = 0;
  for (let field = 0; field + 4 <= extra.byteLength; field += 4 + extra.getUint16(field + 2, true)) {
    if (extra.getUint16(field, true) !== 1) continue;
    wide = field + 4;
    wideEnd = Math.min(extra.byteLength, wide + extra.getUint16(field + 2, true));
  }
  const [size, stored, start] = narrow.map((value) => {
    if (value !== 0xffff_ffff) return value;
    if (wide + 8 > wideEnd)
      throw refuse(`its entry ${shown(name)} lacks the 64-bit size or position that it refers to`);
    wide += 8;
    return u64(extra, wide - 8, refuse);
  }) as [number, number, number];
  if (size !== stored)
    throw refuse(`its entry ${shown(name)} has ${size} bytes that take ${stored}, so it is compressed`);
  return { size, at: start };
}

/**
 * The offset of an entry's data, which follows its own header. The name there must equal the
 * directory's.
 */
async function dataStart(
  archive: OpenFile,
  { name, nameBytes, at }: Header,
  limit: number,
  refuse: Refuse,
): Promise<number> {
  if (at + localBytes > limit) throw refuse(`its entry ${shown(name)} starts beyond the data`);
  const header = await bytesAt(archive, at, Math.min(localBytes + nameBytes, limit - at));
  const own = new TextDecoder().decode(new Uint8Array(header.buffer, localBytes));
  if (header.getUint32(0, true) !== signatures.local || header.getUint16(26, true) !== nameBytes || own !== name)
    throw refuse(`there is no entry ${shown(name)} at byte ${at}, where its zip directory has it`);
  return at + localBytes + nameBytes + header.getUint16(28, true);
}

async function bytesAt(archive: OpenFile, position: number, count: number): Promise<DataView> {
  const bytes = new Uint8Array(count);
  await readFully(archive, bytes, position);
  return new DataView(bytes.buffer);
}

function u64(view: DataView, at: number, refuse: Refuse): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw refuse(`its zip directory gives a size or position of ${value} bytes`);
  return Number(value);
}
