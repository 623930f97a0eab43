/**
 * Writes the part of the protobuf wire format that an ONNX file needs: a field is a tag (number and
 * wire type) followed by a varint, four bytes, or a length and that many bytes. Fields may come in
 * any order, and a message that occurs twice is merged, so a file can be written by appending
 * (protobuf.dev, "Encoding").
 */

/** Encoded fields of one message. Concatenated, they are a message with all of them. */
export type Fields = Uint8Array<ArrayBuffer>;

const wire = { varint: 0, bytes: 2, fixed32: 5 } as const;

/** A non-negative integer. */
export function int(field: number, value: number): Fields {
  return Uint8Array.from([...varint(field * 8 + wire.varint), ...varint(value)]);
}

/** An f32. */
export function float(field: number, value: number): Fields {
  return Uint8Array.from([
    ...varint(field * 8 + wire.fixed32),
    ...new Uint8Array(Float32Array.of(value).buffer), // little-endian, as on the wire
  ]);
}

/** A string, in UTF-8. */
export function text(field: number, value: string): Fields {
  return message(field, new TextEncoder().encode(value));
}

/** A message made of `parts`. */
export function message(field: number, ...parts: readonly Uint8Array[]): Fields {
  const content = join(parts);
  return join([opening(field, content.length), content]);
}

/**
 * The tag and length before `length` bytes of content, for content too large to be copied into a
 * message.
 */
export function opening(field: number, length: number): Fields {
  return Uint8Array.from([...varint(field * 8 + wire.bytes), ...varint(length)]);
}

/** Concatenates. */
export function join(parts: readonly Uint8Array[]): Fields {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Seven bits per byte, the lowest first; the high bit says that more bytes follow. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}
