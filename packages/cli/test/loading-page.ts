/** A package in small chunks, and a page that loads it from `/models/`, for tests of loading. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { launchChromium } from '@lamella/hosts/chromium';
import type { LoadOptions, Model } from '@lamella/runtime/api';
import type { WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import { sha256 } from '@lamella/runtime/sha256';
import { manifestAt } from '../src/package/package-manifest.ts';

export type Browser = Awaited<ReturnType<typeof launchChromium>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;

declare global {
  var load: (url?: string, options?: LoadOptions) => Promise<Model>;
  /** Set by a test to observe the bytes that have arrived. */
  var arrived: ((bytes: number) => void) | undefined;
}

const script = `import { load } from '/models/index.js';
globalThis.load = load;`;
const html = '<!doctype html><script type="module" src="/page.js"></script>';

/** The files of a server besides the package. */
export const loadingPage = { '/': { text: html }, '/page.js': { text: script } };

/** The same package, with its weights in smaller files. */
export async function inChunks(package_: string, size: number): Promise<void> {
  const manifest = await manifestAt(package_);
  const whole = new Uint8Array(await readFile(join(package_, 'weights-000.bin')));
  const weights: WeightChunk[] = [];
  for (let offset = 0; offset < whole.length; offset += size) {
    const bytes = whole.slice(offset, offset + size);
    const file: string = `weights-${String(weights.length).padStart(3, '0')}.bin`;
    await writeFile(join(package_, file), bytes);
    weights.push({ file, offset, bytes: bytes.length, sha256: await sha256(bytes) });
  }
  await writeFile(join(package_, 'manifest.json'), await manifestText({ ...manifest, weights }));
}

/** Loads and computes: logits, or the message of the failure. */
export function visit(page: Page, url?: string): Promise<number[] | string> {
  return page.evaluate(async (url) => {
    try {
      const model = await load(url, { threads: 1, onProgress: (bytes) => globalThis.arrived?.(bytes) });
      const logits = [...(await model.logits([1, 2]))];
      model.dispose();
      return logits;
    } catch (error) {
      return (error as Error).message;
    }
  }, url);
}
