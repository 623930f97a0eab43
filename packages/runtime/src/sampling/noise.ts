/**
 * The noise that makes the largest score a draw: with g independent and Gumbel-distributed, the largest of score / T + g is token i with
 * probability softmax(score / T)[i] (Gumbel, "Statistical Theory of Extreme Values", 1954; Maddison, Tarlow and Minka, "A* Sampling",
 * arXiv 1411.0030). So a draw needs no sums over the vocabulary, any rule that only leaves tokens out leaves the others' noise as it was, and
 * a GPU can do it where the logits are.
 *
 * A token's noise depends on seed, position and id alone, through hashes of 32-bit integers (the finaliser of MurmurHash3 over multiples of
 * the golden ratio): the same bits everywhere, in any order. `schedule/gpu/noise.ts` of the compiler says the same once more for GPUs; there
 * the two logarithms are f32, so that only scores closer than some 1e-5 T may be ordered otherwise.
 */

/** What a device can choose by itself: the token with the largest logit + temperature * noise; of equals, the lowest id. 0 is greedy. */
export interface Draw {
  readonly temperature: number;
  /** u32. */
  readonly seed: number;
}

const GOLDEN = 0x9e3779b9;

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** u32: what stands for a seed from here on. */
export function seedKey(seed: number): number {
  return mix(seed + GOLDEN);
}

/** u32: what the noise of all tokens at a position is made from. A token's position is the number of tokens before it. */
export function noiseKey(seed: number, position: number): number {
  return mix(seedKey(seed) + Math.imul(position + 1, GOLDEN));
}

/** u32, evenly distributed: the randomness of a token. */
export function noiseBits(key: number, id: number): number {
  return mix(key + Math.imul(id + 1, GOLDEN));
}

/** The noise that `bits` stand for: -log(-log(1 - y)) with y in (0, 1). Small bits are large noise, for there numbers are dense. */
export function noise(bits: number): number {
  return -Math.log(-Math.log1p(-(bits + 0.5) / 2 ** 32));
}

/** Draws from all `scores`, by id. */
export function drawn(scores: ArrayLike<number>, { temperature, seed }: Draw, position: number): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  if (temperature === 0) return best;
  const key = noiseKey(seed, position);
  let most = scores[best]! + temperature * noise(noiseBits(key, best));
  for (let id = 0; id < scores.length; id++) {
    const bits = noiseBits(key, id);
    const score = scores[id]!;
    // noise < -log(y) <= log(2) * (leading zeros + 1): what cannot win, which is nearly all, costs no logarithms
    if (score + temperature * Math.LN2 * (Math.clz32(bits) + 1) < most) continue;
    const noisy = score + temperature * noise(bits);
    if (noisy > most || (noisy === most && id < best)) {
      best = id;
      most = noisy;
    }
  }
  return best;
}
