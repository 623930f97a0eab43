/**
 * The noise that turns the largest score into a random draw: with g independent and
 * Gumbel-distributed, the largest of score / T + g is token i with probability softmax(score /
 * T)[i] (Gumbel, "Statistical Theory of Extreme Values", 1954; Maddison, Tarlow and Minka, "A*
 * Sampling", arXiv 1411.0030). A draw therefore needs no sum over the vocabulary, a rule that
 * removes tokens does not change the noise of the others, and a GPU can draw from logits in its own
 * memory.
 *
 * A token's noise depends only on seed, position and id, through hashes of 32-bit integers (the
 * finaliser of MurmurHash3 over multiples of the golden ratio): the same bits everywhere, in any
 * order. `schedule/gpu/noise.ts` of the compiler implements the same for GPUs with f32 logarithms,
 * so only scores closer than about 1e-5 T may be ordered differently there.
 */

/**
 * A choice that a device can make by itself: the token with the largest logit + temperature *
 * noise; of equals, the lowest id. Temperature 0 is greedy.
 */
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

/** u32: the hash of a seed. */
export function seedKey(seed: number): number {
  return mix(seed + GOLDEN);
}

/**
 * u32: the key for the noise of all tokens at a position. A token's position is the number of
 * tokens before it.
 */
export function noiseKey(seed: number, position: number): number {
  return mix(seedKey(seed) + Math.imul(position + 1, GOLDEN));
}

/** u32, evenly distributed: the random bits of a token. */
export function noiseBits(key: number, id: number): number {
  return mix(key + Math.imul(id + 1, GOLDEN));
}

/**
 * The noise for `bits`: -log(-log(1 - y)) with y in (0, 1). Small bits give large noise, because
 * floating-point numbers are densest near 0.
 */
export function noise(bits: number): number {
  return -Math.log(-Math.log1p(-(bits + 0.5) / 2 ** 32));
}

/** Draws an id from all `scores`. */
export function drawn(scores: ArrayLike<number>, { temperature, seed }: Draw, position: number): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  if (temperature === 0) return best;
  const key = noiseKey(seed, position);
  let most = scores[best]! + temperature * noise(noiseBits(key, best));
  for (let id = 0; id < scores.length; id++) {
    const bits = noiseBits(key, id);
    const score = scores[id]!;
    // noise < -log(y) <= log(2) * (leading zeros + 1). This bound excludes nearly all tokens
    // without computing logarithms.
    if (score + temperature * Math.LN2 * (Math.clz32(bits) + 1) < most) continue;
    const noisy = score + temperature * noise(bits);
    if (noisy > most || (noisy === most && id < best)) {
      best = id;
      most = noisy;
    }
  }
  return best;
}
