/** Writes `tokenizer.model` files for tests: a description becomes the protobuf message. */

type Value = number | boolean | string | Uint8Array;
/**
 * Field numbers to values: whole numbers and bools as varints, strings and bytes with their length.
 */
export type Fields = Readonly<Record<number, Value>>;

/** As in sentencepiece_model.proto. */
export const type = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 } as const;

export interface PieceFields {
  readonly text: string;
  readonly score?: number;
  readonly type?: number;
}

export const byteNames = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);
/** The first pieces of every LLaMA-like vocabulary. */
export const firstPieces: readonly PieceFields[] = [
  { text: '<unk>', type: type.unknown },
  { text: '<s>', type: type.control },
  { text: '</s>', type: type.control },
  ...byteNames.map((text) => ({ text, type: type.byte })),
];
/** BPE, with byte fallback. */
export const bpe: Fields = { 3: 2, 35: true };
/** Identity: spaces are kept. */
export const identity: Fields = { 1: 'identity', 4: false };

/** The file of a model with these pieces and settings. */
export function modelFile(pieces: readonly PieceFields[], trainer = bpe, normalizer = identity): Uint8Array {
  const messages = pieces.map(({ text, score = 0, type = 1 }) =>
    bytesField(1, [
      ...message({ 1: text }),
      2 * 8 + 5,
      ...new Uint8Array(Float32Array.of(score).buffer),
      ...message({ 3: type }),
    ]),
  );
  return Uint8Array.from([
    ...messages.flat(),
    ...bytesField(2, message(trainer)),
    ...bytesField(3, message(normalizer)),
  ]);
}

export function message(fields: Fields): number[] {
  return Object.entries(fields).flatMap(([number, value]) => {
    if (typeof value === 'string') return bytesField(Number(number), [...new TextEncoder().encode(value)]);
    if (value instanceof Uint8Array) return bytesField(Number(number), [...value]);
    return [...varint(Number(number) * 8), ...varint(Number(value))];
  });
}

export function bytesField(number: number, content: readonly number[]): number[] {
  return [...varint(number * 8 + 2), ...varint(content.length), ...content];
}

export function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
