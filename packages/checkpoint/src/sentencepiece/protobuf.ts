/**
 * Reads the part of the protobuf wire format that SentencePiece models use: a message is a sequence
 * of fields, each a tag (number and wire type) followed by a varint, 4 or 8 bytes, or a length and
 * that many bytes (protobuf.dev, "Encoding").
 *
 * The input may be any file: malformed input is refused with a reason, and every step reads at
 * least one byte, so reading always ends.
 */

/** Makes the error that says why the file cannot be used. */
export type Refuse = (reason: string) => Error;

/**
 * One field of a message. Varints are numbers, exact up to 2^53; all other values are bytes, a view
 * and not a copy.
 */
export type Field =
  | { readonly number: number; readonly kind: 'varint'; readonly value: number }
  | { readonly number: number; readonly kind: 'fixed32' | 'fixed64' | 'bytes'; readonly value: Uint8Array };

/** A varint has at most 64 bits, seven per byte. */
const maxVarintBytes = 10;

/**
 * The fields of a message in the order of the file; a field may repeat. `what` names the message in
 * errors.
 */
export function* fieldsOf(message: Uint8Array, what: string, refuse: Refuse): Generator<Field> {
  let at = 0;

  const varint = (): number => {
    let value = 0;
    for (let byte = 0; byte < maxVarintBytes; byte++) {
      if (at === message.length) throw refuse(`${what} ends inside a number`);
      const bits = message[at++]!;
      value += (bits & 127) * 2 ** (7 * byte);
      if (bits < 128) return value;
    }
    throw refuse(`${what} has a number of more than 64 bits`);
  };
  const take = (bytes: number): Uint8Array => {
    if (bytes > message.length - at) {
      throw refuse(`${what} has a field of ${bytes} bytes where ${message.length - at} are left`);
    }
    at += bytes;
    return message.subarray(at - bytes, at);
  };

  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw refuse(`${what} has a field without a number`);
    const wire = tag % 8;
    if (wire === 0) yield { number, kind: 'varint', value: varint() };
    else if (wire === 1) yield { number, kind: 'fixed64', value: take(8) };
    else if (wire === 2) yield { number, kind: 'bytes', value: take(varint()) };
    else if (wire === 5) yield { number, kind: 'fixed32', value: take(4) };
    else throw refuse(`${what} has a field of wire type ${wire}, which no SentencePiece model has`);
  }
}

/** The value of an integer, enum or bool field. */
export function numberOf(field: Field, what: string, refuse: Refuse): number {
  if (field.kind !== 'varint') throw refuse(`${what} is not a number`);
  return field.value;
}

/** The value of a float field. */
export function floatOf(field: Field, what: string, refuse: Refuse): number {
  if (field.kind !== 'fixed32') throw refuse(`${what} is not a float`);
  return new DataView(field.value.buffer, field.value.byteOffset).getFloat32(0, true);
}

/** The content of a field of bytes or of a nested message. */
export function bytesOf(field: Field, what: string, refuse: Refuse): Uint8Array {
  if (field.kind !== 'bytes') throw refuse(`${what} is not a sequence of bytes`);
  return field.value;
}

/** The value of a string field. */
export function textOf(field: Field, what: string, refuse: Refuse): string {
  const utf8 = bytesOf(field, what, refuse);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8);
  } catch {
    throw refuse(`${what} is not UTF-8`);
  }
}
