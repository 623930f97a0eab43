/**
 * A link that carries a graph: the text, compressed, in the fragment of the studio's address, which
 * a browser never sends to a server.
 */
import type { Opened } from '../version.ts';

/** `address` with the graph in its fragment. */
export async function linkOf({ file, source }: Opened, address: string): Promise<string> {
  const packed = await through(new TextEncoder().encode(source), new CompressionStream('deflate-raw'));
  const text = btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  const url = new URL(address);
  url.hash = new URLSearchParams({ file, text }).toString();
  return url.href;
}

/** The graph in the fragment of `address`; null if there is none, or if it is damaged. */
export async function sharedIn(address: string): Promise<Opened | null> {
  const parts = new URLSearchParams(new URL(address).hash.slice(1));
  const [file, text] = [parts.get('file'), parts.get('text')];
  if (file === null || text === null) return null;
  try {
    const packed = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const bytes = await through(packed, new DecompressionStream('deflate-raw'));
    return { file, source: new TextDecoder().decode(bytes) };
  } catch {
    return null;
  }
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}
