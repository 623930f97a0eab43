/**
 * The bytes of answers, at the price of their own memory. What a browser's own `arrayBuffer()` returns stays until the collector comes by, even when it
 * was given back (`free.ts`), and so does every piece of a stream: with either, loading a model leaves a second copy of its weights. Here the pieces
 * come in one small buffer that is read into over and over, where streams can (byte streams, streams.spec.whatwg.org).
 */
import { free } from './free.ts';

/** Bytes of a piece, at most. */
const PIECE = 1 << 18;
/** Most bytes that are set aside because an answer says it has so many. */
const MOST_FORETOLD = 16 << 20;

/** Most bytes of a file whose length nobody knows beforehand: manifests, kernels and tokenizers have far fewer, and what never ends is none of them. */
export const MOST_BYTES = 64 << 20;

/** A file as it comes, maybe in several answers: one that breaks off leaves its beginning. */
export class Received {
  #bytes = new Uint8Array(0);
  #length = 0;
  /** How many there will be, where that is known. */
  readonly #expected: number | null;

  constructor(expected: number | null = null) {
    this.#expected = expected;
  }

  get length(): number {
    return this.#length;
  }

  /** What has come so far, not a copy. */
  get soFar(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what has come. */
  restart(): void {
    this.#length = 0;
  }

  /** Appends the body, as far as it goes; stops early where there is more than expected, or than any file has. `onBytes` hears of each piece. Rejects as the body does. */
  async append({ body, headers }: Response, onBytes: (bytes: number) => void = () => {}): Promise<void> {
    if (!body) return;
    // A first guess: of what travels compressed it is another length, and some servers do not say.
    const foretold =
      this.#expected ?? this.#length + Math.min(Number(headers.get('content-length') ?? 0), MOST_FORETOLD);
    if (foretold > this.#bytes.length) this.#resize(foretold);
    for await (const piece of piecesOf(body)) {
      const length = this.#length + piece.length;
      if (length > this.#bytes.length) this.#resize(2 * length);
      this.#bytes.set(piece, this.#length);
      this.#length = length;
      onBytes(piece.length);
      if (length > (this.#expected ?? MOST_BYTES)) return;
    }
  }

  /** All that has come, in memory of just that length: the caller's. */
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

/** All of an answer's body. */
export async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const received = new Received();
  await received.append(response);
  return received.take();
}

/** Each piece is good until the next is asked for. Whoever stops early gives the rest up. */
async function* piecesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array, void, undefined> {
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
    reader.cancel().catch(() => {});
  }
}

/** null where this stream, or this browser, has only pieces of its own. */
function byteReader(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}
