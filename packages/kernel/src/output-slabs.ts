import {
  OUTPUT_FREE_SLABS_MAX,
  OUTPUT_FREE_SMALL_SLABS_MAX,
  OUTPUT_SLAB_BYTES,
  OUTPUT_SMALL_SLAB_BYTES,
} from "./limits.ts";

/*
 * Free output slabs of a worker, in two sizes. Memory outside of the heap that comes and goes with every turn would
 * make the collector run all the time; measured with 1000 busy connections that was half of the proxy's CPU.
 */
const freeSlabs: Buffer[] = [];
const freeSmallSlabs: Buffer[] = [];

/** A slab of at least `byteCount` bytes: small, large, or made to measure. */
export function takeOutputSlab(byteCount: number): Buffer {
  if (byteCount <= OUTPUT_SMALL_SLAB_BYTES) {
    return freeSmallSlabs.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_SMALL_SLAB_BYTES);
  }
  if (byteCount > OUTPUT_SLAB_BYTES) return Buffer.allocUnsafeSlow(byteCount);
  return freeSlabs.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_SLAB_BYTES);
}

/** Gives a slab, or a part of one, back once nobody reads it any more. What is of another size is left to the collector. */
export function releaseOutputSlab(part: Buffer): void {
  const memory = part.buffer;
  const slabBytes = memory.byteLength;
  if (slabBytes === OUTPUT_SMALL_SLAB_BYTES) {
    if (freeSmallSlabs.length < OUTPUT_FREE_SMALL_SLABS_MAX) freeSmallSlabs.push(wholeSlab(part, slabBytes));
  } else if (slabBytes === OUTPUT_SLAB_BYTES && freeSlabs.length < OUTPUT_FREE_SLABS_MAX) {
    freeSlabs.push(wholeSlab(part, slabBytes));
  }
}

function wholeSlab(part: Buffer, slabBytes: number): Buffer {
  return part.length === slabBytes ? part : Buffer.from(part.buffer);
}
