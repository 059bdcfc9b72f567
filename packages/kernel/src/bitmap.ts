import { assert, assertInteger } from "./assert.ts";
import { BITMAP_BITS_MAX } from "./limits.ts";

/**
 * A dense set of small integers, one bit each: which hosts of a list belong to a subset. The
 * operations between bitmaps work in place and allocate nothing. The other bitmap may be of another
 * size: bits that it lacks count as 0.
 *
 * @example
 * const healthyInZone = zone.clone();
 * healthyInZone.and(healthy);
 * for (let i = healthyInZone.nextSetBit(0); i >= 0; i = healthyInZone.nextSetBit(i + 1)) visit(i);
 */
export class Bitmap {
  #words: Uint32Array;
  #size: number;

  /** `size` bits, all 0. @throws WeftError KERNEL_INVALID_ARGUMENT beyond `BITMAP_BITS_MAX` */
  constructor(size: number) {
    assertInteger("size", size, 0, BITMAP_BITS_MAX);
    this.#size = size;
    this.#words = new Uint32Array(wordsFor(size));
  }

  /** Number of bits, set or not: indexes lie in `[0, size)`. */
  get size(): number {
    return this.#size;
  }

  /** Puts `index` in the set. Asserts that it lies in `[0, size)`. */
  set(index: number): void {
    assert(index >= 0 && index < this.#size, "a bit that is set lies within the bitmap");
    const word = index >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (index & 31));
  }

  /** Takes `index` out of the set; an index beyond `size` is out already. */
  clear(index: number): void {
    const word = index >>> 5;
    const bits = this.#words[word];
    if (bits !== undefined) this.#words[word] = bits & ~(1 << (index & 31));
  }

  /** True when `index` is in the set; false beyond `size`. */
  has(index: number): boolean {
    return (((this.#words[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
  }

  /** Puts every index of `[0, size)` in the set. */
  setAll(): void {
    const full = this.#size >>> 5;
    const rest = this.#size & 31;
    this.#words.fill(0xffff_ffff, 0, full);
    if (rest > 0) this.#words[full] = (1 << rest) - 1;
  }

  /** Empties the set. */
  clearAll(): void {
    this.#words.fill(0);
  }

  /** Keeps what is in `other` too. */
  and(other: Bitmap): void {
    const words = this.#words;
    const others = other.#words;
    for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) & (others[i] ?? 0);
  }

  /** Adds what is in `other`. Asserts that all of it fits in `size`. */
  or(other: Bitmap): void {
    const words = this.#words;
    const others = other.#words;
    assert(other.#size <= this.#size || other.nextSetBit(this.#size) < 0, "a union fits the bitmap");
    const length = Math.min(words.length, others.length);
    for (let i = 0; i < length; i++) words[i] = (words[i] ?? 0) | (others[i] ?? 0);
  }

  /** Takes out what is in `other`. */
  andNot(other: Bitmap): void {
    const words = this.#words;
    const others = other.#words;
    const length = Math.min(words.length, others.length);
    for (let i = 0; i < length; i++) words[i] = (words[i] ?? 0) & ~(others[i] ?? 0);
  }

  /** Becomes equal to `other`, its size included; allocates only when it lacks the room. */
  copyFrom(other: Bitmap): void {
    const used = wordsFor(other.#size);
    if (this.#words.length < used) this.#words = new Uint32Array(used);
    for (let i = 0; i < this.#words.length; i++) this.#words[i] = other.#words[i] ?? 0;
    this.#size = other.#size;
  }

  /** A new bitmap with the same bits. */
  clone(): Bitmap {
    const copy = new Bitmap(this.#size);
    copy.copyFrom(this);
    return copy;
  }

  /** How many indexes are in the set. */
  count(): number {
    let total = 0;
    const words = this.#words;
    for (let i = 0; i < words.length; i++) total += popCount(words[i] ?? 0);
    return total;
  }

  /** How many indexes are in both sets, without building the intersection. */
  countAnd(other: Bitmap): number {
    let total = 0;
    const words = this.#words;
    const others = other.#words;
    const length = Math.min(words.length, others.length);
    for (let i = 0; i < length; i++) total += popCount((words[i] ?? 0) & (others[i] ?? 0));
    return total;
  }

  /** True when no index is in the set. */
  isEmpty(): boolean {
    const words = this.#words;
    for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
    return true;
  }

  /** The smallest index in the set that is `from` (0 or more) or larger; -1 when there is none. */
  nextSetBit(from: number): number {
    const words = this.#words;
    let i = from >>> 5;
    let bits = (words[i] ?? 0) & (0xffff_ffff << (from & 31));
    while (bits === 0) {
      i++;
      if (i >= words.length) return -1;
      bits = words[i] ?? 0;
    }
    return i * 32 + 31 - Math.clz32(bits & -bits);
  }

  /** Calls `visit` with every index in the set, ascending; bits changed meanwhile may be missed. */
  iterate(visit: (index: number) => void): void {
    const words = this.#words;
    for (let i = 0; i < words.length; i++) {
      let bits = words[i] ?? 0;
      while (bits !== 0) {
        visit(i * 32 + 31 - Math.clz32(bits & -bits));
        bits &= bits - 1;
      }
    }
  }

  /** Makes room for `size` bits, the new ones 0; never shrinks. Amortised: capacity at least doubles. */
  grow(size: number): void {
    if (size <= this.#size) return;
    assertInteger("size", size, 0, BITMAP_BITS_MAX);
    const needed = wordsFor(size);
    if (needed > this.#words.length) {
      const words = new Uint32Array(Math.max(needed, 2 * this.#words.length));
      words.set(this.#words);
      this.#words = words;
    }
    this.#size = size;
  }

  /** True when both sets hold the same indexes, whatever their sizes. */
  equals(other: Bitmap): boolean {
    const words = this.#words;
    const others = other.#words;
    const length = Math.max(words.length, others.length);
    for (let i = 0; i < length; i++) if ((words[i] ?? 0) !== (others[i] ?? 0)) return false;
    return true;
  }
}

function wordsFor(size: number): number {
  return (size + 31) >>> 5;
}

/** Bits set in a 32-bit word (Hacker's Delight, figure 5-2). */
function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  bits = (bits + (bits >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(bits, 0x0101_0101) >>> 24;
}
