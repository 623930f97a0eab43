/**
 * Reads answers without leaving copies in memory. The result of `arrayBuffer()` stays until garbage
 * collection, even after its buffer was transferred (`free.ts`), and so does every piece of a
 * stream: either would leave a second copy of a model's weights. Here all pieces are read into one
 * small buffer, if the stream is a byte stream (streams.spec.whatwg.org).
 */
import { free } from './free.ts';

/** The largest size of a piece, in bytes. */
const PIECE = 1 << 18;
/** The most bytes allocated because of an answer's `content-length`. */
const MOST_FORETOLD = 16 << 20;

/**
 * The most bytes of a file of unknown length. Manifests, kernels and tokenizers have far fewer; an
 * endless answer must be cut off.
 */
export const MOST_BYTES = 64 << 20;

/**
 * The answers being read. Chromium (156) ends a byte stream without a word when its `Response` is
 * garbage: a read of a stored file then never resolves. The stream itself does not hold it.
 */
const beingRead = new Set<Response>();

/** A file as it arrives, perhaps in several answers: an interrupted answer leaves its beginning. */
export class Received {
  #bytes = new Uint8Array(0);
  #length = 0;
  /** The length of the file, if known. */
  readonly #expected: number | null;

  constructor(expected: number | null = null) {
    this.#expected = expected;
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes that have arrived, not a copy. */
  get soFar(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Discards the bytes that have arrived. */
  restart(): void {
    this.#length = 0;
  }

  /**
   * Appends the body. Stops early if there are more bytes than expected, or than any file has.
   * `onBytes` is called with the size of each piece. Rejects with the body's error.
   */
  async append(response: Response, onBytes: (bytes: number) => void = () => {}): Promise<void> {
    const { body, headers } = response;
    if (!body) return;
    // A first guess: a compressed answer has another length, and some servers send none.
    const foretold =
      this.#expected ?? this.#length + Math.min(Number(headers.get('content-length') ?? 0), MOST_FORETOLD);
    if (foretold > this.#bytes.length) this.#resize(foretold);
    for await (const piece of piecesOf(response, body)) {
      const length = this.#length + piece.length;
      if (length > this.#bytes.length) this.#resize(2 * length);
      this.#bytes.set(piece, this.#length);
      this.#length = length;
      onBytes(piece.length);
      if (length > (this.#expected ?? MOST_BYTES)) return;
    }
  }

  /**
   * All bytes that have arrived, in a buffer of exactly that length, which belongs to the caller.
   */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#length !== this.#bytes.length) this.#resize(this.#length);
    return this.#bytes;
  }

  #resize(length: number): void {
    const other = new Uint8Array(length);
    other.set(this.soFar);
    free(this.#bytes.buffer);
    this.#bytes = other;
  }
}

/** The whole body of an answer. `onBytes` is called with the size of each piece. */
export async function bytesOf(response: Response, onBytes?: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const received = new Received();
  await received.append(response, onBytes);
  return received.take();
}

/**
 * The pieces of a body; each is valid until the next is requested. Stopping early cancels the rest.
 */
async function* piecesOf(
  response: Response,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array, void, undefined> {
  beingRead.add(response);
  const bytes = byteReader(body);
  const reader = bytes ?? body.getReader();
  try {
    if (!bytes) {
      for (const plain = reader as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>; ; ) {
        const { done, value } = await plain.read();
        if (done) return;
        yield value;
      }
    }
    for (let piece = new Uint8Array(PIECE); ; piece = new Uint8Array(piece.buffer)) {
      const { done, value } = await bytes.read(piece);
      if (done) return;
      yield value;
      piece = value;
    }
  } finally {
    beingRead.delete(response);
    reader.cancel().catch(() => {});
  }
}

/** null if this stream or this browser has no byte streams. */
function byteReader(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}
