import { assert } from "./assert.ts";
import { mixUint32 } from "./hash.ts";

/** Where chance comes from. Fast and good enough for balancing and jitter; never for secrets. */
export interface Random {
  /** Uniform in `[0, 1)`, in steps of 2^-32. */
  next(): number;
  /** A uniform integer in `[0, n)`, for an integer `n` from 1 to 2^32. */
  below(n: number): number;
  /** A uniform integer in `[0, 2^32)`. */
  uint32(): number;
}

const UINT32_COUNT = 4_294_967_296;

/**
 * xoshiro128** by Blackman and Vigna (https://prng.di.unimi.it/xoshiro128starstar.c): 128 bits of
 * state in four integers, no allocation per number.
 */
class SeededRandom implements Random {
  #a: number = 0;
  #b: number = 0;
  #c: number = 0;
  #d: number = 0;

  constructor(seed: number) {
    // Weyl steps through the finaliser, as SplitMix does: nearby seeds give unrelated, non-zero states.
    this.#a = mixUint32(seed + 0x9e3779b9) | 0;
    this.#b = mixUint32(seed + 0x3c6ef372) | 0;
    this.#c = mixUint32(seed + 0xdaa66d2b) | 0;
    this.#d = mixUint32(seed + 0x78dde6e4) | 0;
  }

  uint32(): number {
    const b = this.#b;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const c = this.#c ^ this.#a;
    const d = this.#d ^ b;
    this.#b = b ^ c;
    this.#a ^= d;
    this.#c = c ^ (b << 9);
    this.#d = (d << 11) | (d >>> 21);
    return result >>> 0;
  }

  next(): number {
    return this.uint32() / UINT32_COUNT;
  }

  below(n: number): number {
    assert(n >= 1 && n <= UINT32_COUNT, "a random choice is among 1 to 2^32 things");
    return Math.floor((this.uint32() / UINT32_COUNT) * n);
  }
}

/**
 * A generator whose numbers follow from `seed` (an integer; its low 32 bits count) alone, so that a
 * test or a simulated cluster can be run again from the one seed it printed.
 *
 * @example
 * const random = createRandom(42);
 * const host = hosts[random.below(hosts.length)];
 */
export function createRandom(seed: number): Random {
  return new SeededRandom(seed);
}

/** The generator of this process, seeded by the engine: for production. */
export const systemRandom: Random = {
  next: () => Math.random(),
  below(n: number): number {
    assert(n >= 1 && n <= UINT32_COUNT, "a random choice is among 1 to 2^32 things");
    return Math.floor(Math.random() * n);
  },
  uint32: () => (Math.random() * UINT32_COUNT) >>> 0,
};
