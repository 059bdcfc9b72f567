import { assert, assertInteger } from "./assert.ts";
import { SLAB_BYTES_MAX, SLAB_BYTES_MIN } from "./limits.ts";

/** Options of a `SlabPool`. */
export interface SlabPoolOptions {
  /** Size of every buffer. */
  readonly slabBytes: number;
  /** Buffers kept for reuse; what is released beyond that goes to the garbage collector. */
  readonly freeMax: number;
}

/**
 * Buffers of one size with one owner each: whoever acquires a buffer releases that same object, once.
 * A buffer comes with the bytes of its last use in it.
 */
export class SlabPool {
  readonly slabBytes: number;
  readonly #freeMax: number;
  readonly #free: Buffer[] = [];
  readonly #outstanding: Set<Buffer> = new Set();

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when a size lies outside the room's limits */
  constructor(options: SlabPoolOptions) {
    assertInteger("slabBytes", options.slabBytes, SLAB_BYTES_MIN, SLAB_BYTES_MAX);
    assertInteger("freeMax", options.freeMax, 0, Number.MAX_SAFE_INTEGER);
    this.slabBytes = options.slabBytes;
    this.#freeMax = options.freeMax;
  }

  /** Buffers that are acquired and not released: 0 when nothing leaks. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** Buffers ready for reuse. */
  get free(): number {
    return this.#free.length;
  }

  /** A buffer of `slabBytes`, now the caller's; its content is arbitrary. */
  acquire(): Buffer {
    const slab = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.slabBytes);
    this.#outstanding.add(slab);
    return slab;
  }

  /** Gives back a buffer that nothing refers to any more. Asserts that it is this pool's and still out. */
  release(slab: Buffer): void {
    assert(this.#outstanding.delete(slab), "a slab is released once, to the pool it came from");
    if (this.#free.length < this.#freeMax) this.#free.push(slab);
  }
}
