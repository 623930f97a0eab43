/**
 * Measures loading: time and memory, each time in a browser that has just started and has no cache.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { visitAlone, visitBlank } from './alone.ts';
import { type Built, CONTEXT, modelsFolder } from './models.ts';
import type { Order, PeerAnswer } from './pages/alone.ts';
import type { LoadAnswer } from './pages/load-worker.ts';

/** One load of one of our packages. */
export interface Load extends LoadAnswer {
  /** Peak of the renderer's resident memory, minus that of about:blank, bytes. */
  readonly growthBytes: number;
}

/** One load of a peer: ms until it can generate, and the same growth. */
export interface PeerLoad extends PeerAnswer {
  readonly growthBytes: number;
}

/** Loads the package and generates 32 tokens. `origin` is the site's. */
export async function loadLamella(origin: string, { folder }: Built, threads: number): Promise<Load> {
  return visitWith<LoadAnswer>(origin, { kind: 'lamella', folder: `${origin}/models/${folder}/`, threads, tokens: 32 });
}

/** Loads a peer and generates one token. */
export async function loadPeer(
  origin: string,
  peer: 'wllama' | 'onnx',
  file: string,
  threads: number,
): Promise<PeerLoad> {
  const [peers, url] = [`${origin}/peers/`, `${origin}/models/${file}`];
  return visitWith<PeerAnswer>(
    origin,
    peer === 'wllama'
      ? { kind: 'wllama', args: [peers, url, 32_000, CONTEXT, threads] }
      : { kind: 'onnx', args: [peers, url, { kvHeads: 3, headDim: 64 }, threads] },
  );
}

async function visitWith<T extends object>(origin: string, order: Order): Promise<T & { growthBytes: number }> {
  const blank = await visitBlank();
  const { said, peakBytes } = await visitAlone<T>(`${origin}/alone.html`, order);
  return { ...said, growthBytes: peakBytes - blank.peakBytes };
}

/**
 * SHA-256 of the code sections (id 10) of all kernels of a package. Sections:
 * webassembly.github.io/spec/core/binary/modules.html.
 */
export function codeHash({ folder, manifest }: Built): string {
  const hash = createHash('sha256');
  for (const { file } of manifest.wasm) hash.update(section(readFileSync(join(modelsFolder, folder, file)), 10));
  return hash.digest('hex');
}

function section(wasm: Uint8Array, wanted: number): Uint8Array {
  for (let at = 8; at < wasm.length; ) {
    const id = wasm[at++]!;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (id === wanted) return wasm.subarray(at, at + size);
    at += size;
  }
  throw new Error(`the module has no section ${wanted}`);
}
