/** The golden probe: what the plain SIMD kernels say after a few fixed tokens, kept in the manifest so that any device can test itself. */
import type { Manifest, Probe } from '@lamella/runtime/manifest';
import { openPackage } from './open-package.ts';

const tokenCount = 8;
const perKind = 16;

/** Runs the package at `folder`: token ids spread over the vocabulary; then the 16 largest logits and 16 at even strides. */
export async function probe(folder: string, { vocab, context }: Manifest): Promise<Probe> {
  const tokens = Array.from({ length: Math.min(tokenCount, context) }, (_, i) => Math.floor((i * vocab) / tokenCount));
  const model = await openPackage(folder, { device: 'wasm', threads: 1 });
  try {
    const logits = await model.logits(tokens);
    const largest = Array.from(logits.keys())
      .sort((a, b) => logits[b]! - logits[a]! || a - b)
      .slice(0, perKind);
    const strided = Array.from({ length: perKind }, (_, i) => Math.floor((i * vocab) / perKind));
    const indices = [...new Set([...largest, ...strided])];
    return { tokens, indices, logits: indices.map((index) => logits[index]!) };
  } finally {
    model.dispose();
  }
}
