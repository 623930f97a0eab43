/**
 * SHA-256 (FIPS 180-4). Browsers offer their own only in secure contexts, but a package may also
 * come from a plain http server of the local network. There it is computed here, at some hundred MB
 * a second.
 */
import { scratchCopier } from './scratch-copy.ts';

/**
 * The bytes to digest: Chromium keeps every digested buffer until garbage collection, even a
 * transferred one (40 times 4 MiB, digested and freed, leave 150 MB). `digest` has made its own
 * copy when it returns.
 */
const copied = scratchCopier();

/**
 * Lower-case hex of the digest of `bytes`. They may be freed as soon as this has returned its
 * promise.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Absent in insecure contexts, although its type says otherwise.
  const subtle: SubtleCrypto | undefined = crypto.subtle;
  const digest = subtle ? new Uint8Array(await subtle.digest('SHA-256', copied(bytes))) : digestOf(bytes);
  return Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
}

/**
 * The first 32 bits of the fractional parts of the square and cube roots of the first primes
 * (sections 4.2.2 and 5.3.3).
 */
const primes = Array.from({ length: 311 }, (_, i) => i + 1).filter(
  (n) => n > 1 && !Array.from({ length: n - 2 }, (_, i) => i + 2).some((d) => n % d === 0),
);
const fraction = (x: number) => Math.floor((x - Math.floor(x)) * 2 ** 32);
const START = Uint32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
const ROUND = Uint32Array.from(primes, (p) => fraction(Math.cbrt(p)));

/** The 32 bytes of the digest, computed without the platform's. */
export function digestOf(bytes: Uint8Array): Uint8Array {
  const hash = START.slice();
  const words = new Uint32Array(64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 64);
  for (let at = 0; at < whole; at += 64) mix(hash, words, view, at);
  // The rest, a one bit, zeros, and the length in bits fill one more block, or two.
  const rest = bytes.subarray(whole);
  const tail = new DataView(new ArrayBuffer(rest.length < 56 ? 64 : 128));
  new Uint8Array(tail.buffer).set([...rest, 0x80]);
  tail.setBigUint64(tail.byteLength - 8, BigInt(bytes.length) * 8n);
  for (let at = 0; at < tail.byteLength; at += 64) mix(hash, words, tail, at);
  const digest = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => {
    digest.setUint32(4 * i, word);
  });
  return new Uint8Array(digest.buffer);
}

/** Mixes the 64 bytes at `at` into the hash (section 6.2.2). */
function mix(hash: Uint32Array, w: Uint32Array, block: DataView, at: number): void {
  for (let t = 0; t < 16; t++) w[t] = block.getUint32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16]! + s0 + w[t - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t]! + w[t]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  const sums = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) hash[i] = hash[i]! + sums[i]!;
}

function rotate(x: number, by: number): number {
  return (x >>> by) | (x << (32 - by));
}
