import { assert, assertInteger } from "./assert.ts";
import { SLAB_BYTES_MAX, SLAB_BYTES_MIN } from "./limits.ts";

interface Slab {
  isOut: boolean;
}

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
  /** Who has each slab of this pool. Weak, so a slab that outgrew `freeMax` or leaked can be collected. */
  readonly #slabs: WeakMap<Buffer, Slab> = new WeakMap();
  #outstanding: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when a size lies outside the room's limits */
  constructor(options: SlabPoolOptions) {
    assertInteger("slabBytes", options.slabBytes, SLAB_BYTES_MIN, SLAB_BYTES_MAX);
    assertInteger("freeMax", options.freeMax, 0, Number.MAX_SAFE_INTEGER);
    this.slabBytes = options.slabBytes;
    this.#freeMax = options.freeMax;
  }

  /** Buffers that are acquired and not released: 0 when nothing leaks. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Buffers ready for reuse. */
  get free(): number {
    return this.#free.length;
  }

  /** A buffer of `slabBytes`, now the caller's; its content is arbitrary. */
  acquire(): Buffer {
    const bytes = this.#free.pop() ?? this.#create();
    const slab = this.#slabs.get(bytes);
    assert(slab !== undefined && !slab.isOut, "a free slab is this pool's");
    slab.isOut = true;
    this.#outstanding++;
    return bytes;
  }

  /** Gives back a buffer that nothing refers to any more. Asserts that it is this pool's and still out. */
  release(bytes: Buffer): void {
    const slab = this.#slabs.get(bytes);
    assert(slab !== undefined && slab.isOut, "a slab is released once, to the pool it came from");
    slab.isOut = false;
    this.#outstanding--;
    if (this.#free.length < this.#freeMax) this.#free.push(bytes);
  }

  #create(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.slabBytes);
    this.#slabs.set(bytes, { isOut: false });
    return bytes;
  }
}
