// MurmurHash3_x86_32 by Austin Appleby
// (https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp).

/**
 * MurmurHash3's 32-bit finaliser: a bijection on uint32 in which every input bit flips every output
 * bit with a probability of about one half. Takes the low 32 bits of `value`.
 */
export function mixUint32(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ mixTail(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function mixTail(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

/**
 * MurmurHash3 (32 bit) of the UTF-16LE bytes of `text`, as a uint32: same result on every machine
 * and in every process, good avalanche, no copy of the text. For consistent hashing and sharding; it does
 * not resist an attacker who chooses the texts.
 *
 * @example
 * const slot = hashString(sessionId) % ring.length;
 */
export function hashString(text: string, seed: number = 0): number {
  const length = text.length;
  let hash = seed | 0;
  let index = 0;
  for (; index + 1 < length; index += 2) {
    hash = mixBlock(hash, text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
  }
  if (index < length) hash ^= mixTail(text.charCodeAt(index));
  return mixUint32(hash ^ (length * 2));
}

/** MurmurHash3 (32 bit) of `bytes`, as a uint32; otherwise as `hashString`. */
export function hashBytes(bytes: Uint8Array, seed: number = 0): number {
  const length = bytes.length;
  let hash = seed | 0;
  let index = 0;
  for (; index + 3 < length; index += 4) {
    hash = mixBlock(
      hash,
      byteAt(bytes, index) |
        (byteAt(bytes, index + 1) << 8) |
        (byteAt(bytes, index + 2) << 16) |
        (byteAt(bytes, index + 3) << 24),
    );
  }
  if (index < length) {
    let tail = byteAt(bytes, index);
    if (index + 1 < length) tail |= byteAt(bytes, index + 1) << 8;
    if (index + 2 < length) tail |= byteAt(bytes, index + 2) << 16;
    hash ^= mixTail(tail);
  }
  return mixUint32(hash ^ length);
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
