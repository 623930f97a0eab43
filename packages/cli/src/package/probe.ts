/**
 * The golden probe: logits of the plain SIMD kernels after a few fixed tokens. They are stored in
 * the manifest, so that any device can test itself.
 */
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Weight } from '@lamella/graph/ir';
import type { Model } from '@lamella/runtime/api';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import type { Manifest, Probe } from '@lamella/runtime/manifest';

const tokenCount = 8;
const perKind = 16;

/** The weights that a package was made from. */
interface Weights {
  readonly list: readonly Weight[];
  readonly source: WeightSource;
}

/**
 * Runs `model`, which was made from `weights` and loaded with the plain kernels, with token ids
 * spread over the vocabulary, and takes the 16 largest logits and 16 at even strides. Disposes of
 * the model. Throws L215 if a logit is not finite: such a
 * package could only repeat one token.
 */
export async function probe(model: Model, { name, vocab, context }: Manifest, weights: Weights): Promise<Probe> {
  const tokens = Array.from({ length: Math.min(tokenCount, context) }, (_, i) => Math.floor((i * vocab) / tokenCount));
  try {
    const logits = await model.logits(tokens).catch(async (cause: unknown) => {
      if (!(cause instanceof PackageError) || cause.code !== 'L429') throw cause;
      const { token, value } = cause.args as { readonly token: string; readonly value: string };
      const found = { name, tokens: tokens.length, token, value };
      throw new LamellaError('L215', { ...found, ...(await largestWeight(weights)) });
    });
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

/** The tensor with the largest value: the likely cause of an overflow. */
async function largestWeight({ list, source }: Weights): Promise<{ largest: string; tensor: string }> {
  let [largest, tensor] = [0, ''];
  for (const weight of list) {
    const most = (await source.read(weight)).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (most > largest) [largest, tensor] = [most, weight.name];
  }
  return { largest: largest.toPrecision(3), tensor };
}
