/**
 * Reads the header of a safetensors file, as strictly as the format is defined: u64 little-endian
 * length, that many bytes of JSON `{name: {dtype, shape, data_offsets: [begin, end]}}`, then the
 * data, which the tensors fill without gaps or overlaps.
 *
 * Only the header can contradict the rest of the file, so every fault in it is reported here,
 * before any data is read. Pure: takes bytes, returns tensors or throws a LamellaError.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { excerpt, shown } from './excerpt.ts';
import type { StoredTensor } from './tensor-file.ts';

/** Bytes of the length at the start of the file. */
export const lengthBytes = 8;
/** The format's own limit. It keeps a damaged length from causing a huge allocation. */
const maxHeaderBytes = 100_000_000;
/** PyTorch's limit. */
const maxAxes = 64;

/**
 * Bytes per element of every dtype with whole bytes. Only F32, F16 and BF16 are read; the sizes of
 * the others are still checked.
 */
const widths: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map((dtype) => [dtype, 1] as const),
  ...['F16', 'BF16', 'I16', 'U16'].map((dtype) => [dtype, 2] as const),
  ...['F32', 'I32', 'U32'].map((dtype) => [dtype, 4] as const),
  ...['F64', 'I64', 'U64', 'C64'].map((dtype) => [dtype, 8] as const),
]);

/**
 * The header's length, from the first 8 bytes of the file. `fileBytes` is the size of the file,
 * `file` its name in messages. Throws L202 (an impossible length) or L203 (the file ends inside the
 * header).
 */
export function headerLength(start: Uint8Array, fileBytes: number, file: string): number {
  if (fileBytes < lengthBytes) {
    throw new LamellaError('L203', {
      file,
      reason: `it has ${bytes(fileBytes)}, and the length of the header alone takes 8`,
    });
  }
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length < 2n || length > BigInt(maxHeaderBytes)) {
    throw new LamellaError('L202', {
      file,
      reason: `its header would be ${length} bytes long; 2 to ${maxHeaderBytes} are possible`,
    });
  }
  if (lengthBytes + Number(length) > fileBytes) {
    throw new LamellaError('L203', {
      file,
      reason: `its header should be ${bytes(Number(length))} long, and the file has ${bytes(fileBytes)}`,
    });
  }
  return Number(length);
}

/**
 * The tensors of a file by name, from the JSON of its header. Throws L202 for a malformed or
 * contradictory header, L203 if the file is shorter than the data that the header describes.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, file: string): ReadonlyMap<string, StoredTensor> {
  const refuse = (reason: string) => new LamellaError('L202', { file, reason });
  const header = parseObject(json, refuse);
  const dataStart = lengthBytes + json.length;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name !== '__metadata__') tensors.set(name, tensorOf(name, entry, dataStart, refuse));
    else if (entry !== null && !(isRecord(entry) && Object.values(entry).every((text) => typeof text === 'string'))) {
      throw refuse('its __metadata__ is not a map from text to text');
    }
  }
  checkLayout([...tensors.values()], dataStart, fileBytes, file);
  return tensors;
}

function parseObject(json: Uint8Array, refuse: (reason: string) => LamellaError): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    header = JSON.parse(text);
  } catch {
    throw refuse('its header is not JSON');
  }
  if (!isRecord(header)) throw refuse('its header is not a JSON object');
  const twice = repeatedKey(text);
  if (twice !== null) throw refuse(`its header names ${shown(twice)} twice`);
  return header;
}

function tensorOf(
  name: string,
  entry: unknown,
  dataStart: number,
  refuse: (reason: string) => LamellaError,
): StoredTensor {
  if (!isRecord(entry)) throw refuse(`the header's entry for tensor ${shown(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') throw refuse(`tensor ${shown(name)} has no dtype`);
  if (!isSizes(shape)) throw refuse(`the shape of tensor ${shown(name)} is not a list of sizes: ${excerpt(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw refuse(`the data_offsets of tensor ${shown(name)} are not [begin, end]: ${excerpt(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const width = widths.get(dtype);
  const expected = shape.reduce((product, size) => product * size, width ?? 0);
  if (width !== undefined && expected !== end - begin) {
    throw refuse(
      `tensor ${shown(name)} is ${shown(dtype)} [${shape.join(', ')}], which is ${bytes(expected)}, but its data_offsets [${begin}, ${end}] hold ${bytes(end - begin)}`,
    );
  }
  return { name, dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/**
 * Checks that the tensors fill the data from its first byte to its last, without overlaps or gaps.
 */
function checkLayout(tensors: readonly StoredTensor[], dataStart: number, fileBytes: number, file: string): void {
  const inOrder = tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let filled = dataStart;
  let previous = '';
  for (const { name, begin, end } of inOrder) {
    const from = begin - dataStart;
    const to = filled - dataStart;
    if (begin < filled) {
      throw new LamellaError('L202', {
        file,
        reason: `tensor ${shown(name)} starts at byte ${from} of the data, inside tensor ${shown(previous)}, which ends at ${to}`,
      });
    }
    if (begin > filled) {
      throw new LamellaError('L202', {
        file,
        reason: `bytes ${to} to ${from} of the data, before tensor ${shown(name)}, belong to no tensor`,
      });
    }
    if (end > fileBytes) {
      throw new LamellaError('L203', {
        file,
        reason: `tensor ${shown(name)} ends at byte ${end}, and the file has ${bytes(fileBytes)}`,
      });
    }
    filled = end;
    previous = name;
  }
  if (filled < fileBytes) {
    throw new LamellaError('L202', { file, reason: `its last ${bytes(fileBytes - filled)} belong to no tensor` });
  }
}

/**
 * A key that occurs twice in the outermost object of valid JSON `text`, or null. The format forbids
 * it, and JSON.parse silently keeps the last: one of two tensors would be lost.
 */
function repeatedKey(text: string): string | null {
  const keys = new Set<string>();
  let depth = 0;
  let keyNext = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{' || char === '[') keyNext = ++depth === 1;
    else if (char === '}' || char === ']') depth--;
    else if (char === ',') keyNext = depth === 1;
    else if (char === '"') {
      const start = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (!keyNext) continue;
      keyNext = false;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) && value.length <= maxAxes && value.every((size) => Number.isSafeInteger(size) && size >= 0)
  );
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}
