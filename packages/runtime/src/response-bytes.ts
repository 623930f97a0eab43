/**
 * The bytes of an answer, at the price of their own memory. What a browser's own `arrayBuffer()` returns stays until the collector comes by, even when it
 * was given back (`free.ts`), and so does every piece of a stream: with either, loading a model leaves a second copy of its weights. Here the pieces
 * come in one small buffer that is read into over and over, where streams can (byte streams, streams.spec.whatwg.org).
 */
import { free } from './free.ts';

/** Bytes of a piece, at most. */
const PIECE = 1 << 18;

/** All of the body; `onBytes` hears of each piece of it. Rejects as the body does. */
export async function bytesOf(
  { body, headers }: Response,
  onBytes: (bytes: number) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  // A first guess: of what travels compressed it is another length, and some servers do not say.
  let bytes = new Uint8Array(Number(headers.get('content-length') ?? 0));
  let length = 0;
  if (body)
    for await (const piece of piecesOf(body)) {
      if (length + piece.length > bytes.length) bytes = resized(bytes, 2 * (length + piece.length));
      bytes.set(piece, length);
      length += piece.length;
      onBytes(piece.length);
    }
  return length === bytes.length ? bytes : resized(bytes, length);
}

/** Each piece is good until the next is asked for. */
async function* piecesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = byteReader(body);
  if (!reader) {
    for (const plain = body.getReader(); ; ) {
      const { done, value } = await plain.read();
      if (done) return;
      yield value;
    }
  }
  for (let piece = new Uint8Array(PIECE); ; piece = new Uint8Array(piece.buffer)) {
    const { done, value } = await reader.read(piece);
    if (done) return;
    yield value;
    piece = value;
  }
}

/** null where this stream, or this browser, has only pieces of its own. */
function byteReader(body: ReadableStream): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}

function resized(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(length);
  other.set(bytes.subarray(0, length));
  free(bytes.buffer);
  return other;
}
