import { sliceLatin1 } from "@weft/kernel";
import type { HpackDecoder } from "./hpack-decoder.ts";
import type { HpackEntry } from "./hpack-entry.ts";
import { BLOCK_MEMO_ENTRIES_MAX, HEAD_MEMO_BLOCK_BYTES_MAX, HEAD_MEMO_ENTRIES_MAX } from "./limits.ts";

class RememberedHead<Head> {
  readonly hash: number;
  readonly variant: number;
  /** The block's bytes as latin1; null after the first sight. */
  block: string | null = null;
  head: Head | null = null;
  /** The state of the table in which the block means `head`; meaningless where `added` is set. */
  generation: number = 0;
  /** Entries that the block adds to the table; null for a block that depends on what the table holds. */
  added: readonly HpackEntry[] | null = null;

  constructor(hash: number, variant: number) {
    this.hash = hash;
    this.variant = variant;
  }

  isOf(bytes: Buffer, start: number, byteCount: number, variant: number): boolean {
    const block = this.block;
    if (block === null || block.length !== byteCount || this.variant !== variant) return false;
    for (let index = 0; index < byteCount; index++) {
      if (block.charCodeAt(index) !== bytes[start + index]) return false;
    }
    return true;
  }
}

/**
 * Heads by the bytes of their blocks: the same bytes with the same dynamic table decode to the same head, so they are
 * decoded once and every station finds again what it noted on the head. A block is kept when it is met the second time;
 * of blocks that never come back only a hash is held.
 *
 * A block that names no entry of the dynamic table means the same in every state of it, even when it adds entries
 * (some servers add the same ones with every answer): it is remembered with what it adds, and only that is done again.
 */
export class HeadMemo<Head> {
  #slots: (RememberedHead<Head> | undefined)[] | null = null;
  /** What was found last: the next block is often the same and then needs no hash. */
  #last: RememberedHead<Head> | null = null;
  /** Hash of the block that `find` missed last. */
  #hash: number = 0;

  /**
   * The head that `bytes[start, end)` means, or null; the decoder's table is then as if the block had been decoded.
   * `variant` is whatever else decides the head.
   */
  find(bytes: Buffer, start: number, end: number, variant: number, decoder: HpackDecoder): Head | null {
    const byteCount = end - start;
    if (byteCount > HEAD_MEMO_BLOCK_BYTES_MAX || !decoder.mayRepeat) return null;
    const last = this.#last;
    if (last !== null && last.isOf(bytes, start, byteCount, variant)) {
      const head = recall(last, decoder);
      if (head !== null) return head;
    }
    let hash = variant + 1;
    for (let at = start; at < end; at++) hash = Math.imul(hash, 16_777_619) ^ (bytes[at] ?? 0);
    hash = (hash ^ (hash >>> 15)) | 0;
    this.#hash = hash;
    const slot = this.#slots === null ? undefined : this.#slots[hash & (HEAD_MEMO_ENTRIES_MAX - 1)];
    if (slot === undefined || slot.hash !== hash || !slot.isOf(bytes, start, byteCount, variant)) return null;
    this.#last = slot;
    return recall(slot, decoder);
  }

  /** After `find` returned null for the same block and the decoder decoded it. */
  remember(bytes: Buffer, start: number, end: number, variant: number, decoder: HpackDecoder, head: Head): void {
    const { isTableIndependent, added, hasResized } = decoder;
    const isRepeatable = !hasResized && (isTableIndependent || added.length === 0);
    if (!isRepeatable || end - start > HEAD_MEMO_BLOCK_BYTES_MAX) return;
    this.#slots ??= new Array<RememberedHead<Head> | undefined>(HEAD_MEMO_ENTRIES_MAX).fill(undefined);
    const index = this.#hash & (HEAD_MEMO_ENTRIES_MAX - 1);
    const slot = this.#slots[index];
    if (slot === undefined || slot.hash !== this.#hash || slot.variant !== variant) {
      this.#slots[index] = new RememberedHead(this.#hash, variant);
      return;
    }
    slot.block = sliceLatin1(bytes, start, end);
    slot.head = head;
    slot.generation = decoder.table.generation;
    slot.added = isTableIndependent ? added.slice() : null;
  }
}

function recall<Head>(known: RememberedHead<Head>, decoder: HpackDecoder): Head | null {
  if (known.added !== null) decoder.addAgain(known.added);
  else if (known.generation !== decoder.table.generation) return null;
  return known.head;
}

class RememberedBlock {
  readonly head: object;
  generation: number;
  /** The encoded block as latin1; null after the first sight. */
  block: string | null = null;

  constructor(head: object, generation: number) {
    this.head = head;
    this.generation = generation;
  }
}

/**
 * Encoded blocks by the head object that they came from: heads are immutable, so the same head with the same dynamic
 * table gives the same bytes. Like `HeadMemo` it keeps what is met the second time.
 */
export class BlockMemo {
  readonly #entries: RememberedBlock[] = [];
  #next: number = 0;
  /** Entry of the head that `find` saw last, null when it has none. */
  #found: RememberedBlock | null = null;

  /** The block of `head`, or null. */
  find(head: object, generation: number): string | null {
    this.#found = null;
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      if (entry === undefined || entry.head !== head) continue;
      this.#found = entry;
      return entry.generation === generation ? entry.block : null;
    }
    return null;
  }

  /** After `find` returned null for `head` and it was encoded without changing the table. */
  remember(head: object, generation: number, block: Buffer, byteCount: number): void {
    const entry = this.#found;
    if (entry !== null) {
      entry.generation = generation;
      entry.block = byteCount > HEAD_MEMO_BLOCK_BYTES_MAX ? null : sliceLatin1(block, 0, byteCount);
      return;
    }
    this.#entries[this.#next] = new RememberedBlock(head, generation);
    this.#next = (this.#next + 1) % BLOCK_MEMO_ENTRIES_MAX;
  }
}
