import { sliceLatin1 } from "@weft/kernel";
import { fieldKind, KIND_UNDERSCORE, nameKind } from "./field-kinds.ts";
import { HpackEntry } from "./hpack-entry.ts";
import { decodeHuffman } from "./hpack-huffman.ts";
import { STATIC_ENTRIES, STATIC_INDEX_MAX } from "./hpack-static.ts";
import { DynamicTable, TABLE_BYTES_INITIAL } from "./hpack-table.ts";
import { rememberNeverIndexed } from "./hpack-never-indexed.ts";
import { HEAD_MEMO_ADDED_MAX, HPACK_INTEGER_MAX, HPACK_SIZE_UPDATES_PER_BLOCK_MAX } from "./limits.ts";

/** The fields of one block, in order. Reused: read `entries` up to `length`. */
export class HeaderList {
  readonly entries: HpackEntry[] = [];
  length: number = 0;
  /** Size by RFC 9113 section 6.5.2; also counts what was not stored. */
  byteLength: number = 0;
  /** True when the list broke a limit; then not all of it is in `entries`. */
  isTooLarge: boolean = false;
  /** True when a name has an underscore. */
  hasUnderscore: boolean = false;
  /** Changes of the table size that the block began with. */
  sizeUpdates: number = 0;

  /** Forgets the last block. */
  clear(): void {
    this.length = 0;
    this.byteLength = 0;
    this.isTooLarge = false;
    this.hasUnderscore = false;
    this.sizeUpdates = 0;
  }

  /** Takes out the fields whose names have an underscore. */
  dropUnderscores(): void {
    let kept = 0;
    for (let index = 0; index < this.length; index++) {
      const entry = this.entries[index];
      if (entry !== undefined && entry.kind !== KIND_UNDERSCORE) this.entries[kept++] = entry;
    }
    this.length = kept;
  }
}

/** What bounds one decoded list. */
export interface HeaderListLimits {
  /** SETTINGS_MAX_HEADER_LIST_SIZE of ours. */
  readonly headerBytesMax: number;
  /** Fields in one list. */
  readonly headersMax: number;
}

/**
 * HPACK's receiving side (RFC 7541). A list over the limits is still decoded to its end, without being stored, so
 * that the table stays the peer's; only a block that breaks the format ends the connection.
 */
export class HpackDecoder {
  readonly table: DynamicTable<HpackEntry> = new DynamicTable();
  #bytesMax: number = TABLE_BYTES_INITIAL;
  /** True until the peer has shrunk its table below what we allow now. */
  #mustShrink: boolean = false;
  #at: number = 0;
  /** Entries that the last block added to the table. Reused: copy what must stay. */
  readonly added: HpackEntry[] = [];
  /** True when the last block means the same whatever the table holds: it named no entry of it. */
  isTableIndependent: boolean = false;
  /** True when the last block changed the size of the table. */
  hasResized: boolean = false;

  /** False while a block must begin with a change of the table size. */
  get mayRepeat(): boolean {
    return !this.#mustShrink;
  }

  /** Does to the table what a block did that is known to have added these entries. */
  addAgain(entries: readonly HpackEntry[]): void {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      if (entry !== undefined) this.#add(entry);
    }
  }

  /** What SETTINGS_HEADER_TABLE_SIZE we announced, once the peer acknowledged it. */
  allowTableBytes(byteCount: number): void {
    this.#bytesMax = byteCount;
    this.#mustShrink = this.table.bytesMax > byteCount;
    // Blocks that were remembered must be judged again.
    this.table.generation++;
  }

  /** Decodes `bytes[start, end)` into `list`; false when the block breaks RFC 7541 (COMPRESSION_ERROR). */
  decode(bytes: Buffer, start: number, end: number, list: HeaderList, limits: HeaderListLimits): boolean {
    list.clear();
    this.#at = start;
    this.added.length = 0;
    this.isTableIndependent = true;
    this.hasResized = false;
    while (this.#at < end && ((bytes[this.#at] ?? 0) & 0xe0) === 0x20) {
      if (!this.#resize(bytes, end, list)) return false;
    }
    if (this.#mustShrink) return false;
    while (this.#at < end) {
      const entry = this.#field(bytes, end);
      if (entry === null) return false;
      list.byteLength += entry.byteLength;
      if (entry.kind === KIND_UNDERSCORE) list.hasUnderscore = true;
      if (list.byteLength > limits.headerBytesMax || list.length >= limits.headersMax) list.isTooLarge = true;
      else list.entries[list.length++] = entry;
    }
    return true;
  }

  #field(bytes: Buffer, end: number): HpackEntry | null {
    const first = bytes[this.#at] ?? 0;
    if (first >= 0x80) {
      const index = this.#integer(bytes, end, 7);
      return index <= 0 ? null : this.#entry(index);
    }
    const isIndexed = first >= 0x40;
    // A table size update (001xxxxx) may only stand before the first field.
    if (!isIndexed && first >= 0x20) return null;
    const index = this.#integer(bytes, end, isIndexed ? 6 : 4);
    const entry = index > 0 ? this.#literal(bytes, end, index) : index === 0 ? this.#newName(bytes, end) : null;
    if (entry === null) return null;
    if (isIndexed) {
      this.#add(entry);
      if (this.added.length < HEAD_MEMO_ADDED_MAX) this.added.push(entry);
      else this.isTableIndependent = false;
    } else if (first >= 0x10) rememberNeverIndexed(entry.name);
    return entry;
  }

  #entry(index: number): HpackEntry | null {
    if (index <= STATIC_INDEX_MAX) return STATIC_ENTRIES[index] ?? null;
    this.isTableIndependent = false;
    return this.table.get(index - STATIC_INDEX_MAX - 1) ?? null;
  }

  /** A literal that borrows its name. */
  #literal(bytes: Buffer, end: number, index: number): HpackEntry | null {
    const named = this.#entry(index);
    const value = this.#string(bytes, end);
    if (named === null || value === null) return null;
    return new HpackEntry(named.name, value, fieldKind(named.kindOfName, value), named.kindOfName);
  }

  #newName(bytes: Buffer, end: number): HpackEntry | null {
    const name = this.#string(bytes, end);
    if (name === null) return null;
    const value = this.#string(bytes, end);
    if (value === null) return null;
    const kind = nameKind(name);
    return new HpackEntry(name, value, fieldKind(kind, value), kind);
  }

  #add(entry: HpackEntry): void {
    while (this.table.mustEvict(entry.byteLength)) this.table.evict();
    this.table.add(entry);
  }

  #resize(bytes: Buffer, end: number, list: HeaderList): boolean {
    this.hasResized = true;
    const byteCount = this.#integer(bytes, end, 5);
    if (byteCount < 0 || byteCount > this.#bytesMax) return false;
    if (++list.sizeUpdates > HPACK_SIZE_UPDATES_PER_BLOCK_MAX) return false;
    this.table.bytesMax = byteCount;
    // Even where nothing is evicted, this block is one of a kind.
    this.table.generation++;
    while (this.table.mustEvict(0)) this.table.evict();
    this.#mustShrink = false;
    return true;
  }

  /** RFC 7541 section 5.1; -1 when it is cut short or too large. */
  #integer(bytes: Buffer, end: number, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (bytes[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let shift = 0; this.#at < end && shift <= 21; shift += 7) {
      const next = bytes[this.#at++] ?? 0;
      value += (next & 0x7f) << shift;
      if (next < 0x80) return value > HPACK_INTEGER_MAX ? -1 : value;
    }
    return -1;
  }

  /** RFC 7541 section 5.2; null when it is cut short or its code is wrong. */
  #string(bytes: Buffer, end: number): string | null {
    if (this.#at >= end) return null;
    const isHuffman = (bytes[this.#at] ?? 0) >= 0x80;
    const byteCount = this.#integer(bytes, end, 7);
    const start = this.#at;
    if (byteCount < 0 || start + byteCount > end) return null;
    this.#at = start + byteCount;
    return isHuffman ? decodeHuffman(bytes, start, this.#at) : sliceLatin1(bytes, start, this.#at);
  }
}
