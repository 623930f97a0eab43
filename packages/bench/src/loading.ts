/** What it takes to get ready: time and memory, each in a browser that has just started and has no cache. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Host, open, openContender } from './host.ts';
import { type Built, CONTEXT, modelsFolder } from './models.ts';
import type { LoadAnswer, LoadOrder } from './pages/load-worker.ts';

/** One load of one of our packages. */
export interface Load extends LoadAnswer {
  /** Peak of the renderer's resident memory, less that of about:blank, bytes. */
  readonly growthBytes: number;
}

/** One load of a peer: ms until it can generate, and the same growth. */
export interface PeerLoad {
  readonly loadMs: number;
  readonly growthBytes: number;
}

/** Loads the package and gives 32 tokens. */
export async function loadLamella(host: Host, { folder }: Built, threads: number): Promise<Load> {
  const blank = await blankBytes(host);
  const { result, peakBytes } = await host.alone(async (page) => {
    await open(page, host.origin);
    const order: LoadOrder = { folder: `${host.origin}/models/${folder}/`, threads, tokens: 32 };
    return page.evaluate(
      (order) =>
        new Promise<LoadAnswer>((resolve, reject) => {
          const worker = new Worker('/load-worker.js', { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage(order);
        }),
      order,
    );
  });
  return { ...result, growthBytes: peakBytes - blank };
}

/** Loads a peer and gives one token. */
export async function loadPeer(host: Host, peer: 'wllama' | 'onnx', file: string, threads: number): Promise<PeerLoad> {
  const blank = await blankBytes(host);
  const [peers, url] = [`${host.origin}/peers/`, `${host.origin}/models/${file}`];
  const { result, peakBytes } = await host.alone(async (page) => {
    await open(page, host.origin);
    const began = performance.now();
    if (peer === 'wllama') await openContender(page, 'wllama', peers, url, 32_000, CONTEXT, threads);
    else await openContender(page, 'onnx', peers, url, { kvHeads: 3, headDim: 64 }, threads);
    const loadMs = performance.now() - began;
    await page.evaluate(() => window.contender.generate([1], 1));
    return loadMs;
  });
  return { loadMs: result, growthBytes: peakBytes - blank };
}

async function blankBytes(host: Host): Promise<number> {
  const { peakBytes } = await host.alone((page) => page.goto('about:blank'));
  return peakBytes;
}

/** SHA-256 of the code sections (id 10) of all kernels of a package. Sections: webassembly.github.io/spec/core/binary/modules.html. */
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
