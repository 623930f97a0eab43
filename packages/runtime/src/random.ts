/**
 * The sampler's random numbers: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), 32-bit
 * integer arithmetic only, so that a seed gives the same tokens on every machine. Its four words come from the finaliser of MurmurHash3
 * over seed + i * golden ratio: a bijection of four distinct inputs, so the forbidden all-zero state cannot arise.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /** `seed` is a u32. */
  constructor(seed: number) {
    for (let i = 0; i < 4; i++) {
      let h = (seed + Math.imul(i, 0x9e3779b9)) >>> 0;
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      this.#state[i] = h ^ (h >>> 16);
    }
  }

  /** The next u32. */
  u32(): number {
    const s = this.#state;
    const scrambled = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11);
    return scrambled;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  uniform(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}
