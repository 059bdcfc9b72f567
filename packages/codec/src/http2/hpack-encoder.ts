import { writeLatin1 } from "@weft/kernel";
import { isNeverIndexed } from "./hpack-never-indexed.ts";
import { isFieldName, isFieldValue } from "./field-kinds.ts";
import { ENTRY_OVERHEAD_BYTES } from "./hpack-entry.ts";
import { encodeHuffman, huffmanBytes } from "./hpack-huffman.ts";
import { STATIC_INDEX_MAX, STATIC_NAME_INDEX, staticIndexOf } from "./hpack-static.ts";
import { DynamicTable, TABLE_BYTES_INITIAL } from "./hpack-table.ts";
import { HPACK_ENCODER_SEARCH_MAX, HPACK_SENSITIVE_COOKIE_BYTES_MAX } from "./limits.ts";

/** How a field is written when it is in no table. */
const INDEXING = 0x40;
const WITHOUT_INDEXING = 0x00;
const NEVER_INDEXED = 0x10;

/** Slots that remember what was written once: a value enters the table when it is met again. */
const SEEN_SLOTS = 128;

/** Names whose values change too often to be worth an entry. */
const UNINDEXED_NAMES: ReadonlySet<string> = new Set([
  ":path",
  "age",
  "content-length",
  "content-location",
  "content-range",
  "date",
  "etag",
  "expires",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "range",
  "set-cookie",
  "traceparent",
  "tracestate",
  "x-request-id",
]);

/** Secrets: no intermediary may put them into a table either (RFC 7541 section 7.1.3). */
const SENSITIVE_NAMES: ReadonlySet<string> = new Set(["authorization", "proxy-authorization"]);

class EncoderEntry {
  readonly name: string;
  readonly value: string;
  readonly byteLength: number;
  /** Place in the order of insertion. */
  readonly sequence: number;
  readonly record: NameRecord;
  /** Its neighbours in the table with the same name. */
  older: EncoderEntry | null = null;
  newer: EncoderEntry | null = null;

  constructor(name: string, value: string, sequence: number, record: NameRecord) {
    this.name = name;
    this.value = value;
    this.byteLength = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.sequence = sequence;
    this.record = record;
  }
}

/** What an encoder knows about a name: one look-up per field finds both tables' entries. */
class NameRecord {
  /** Lowest index in the static table; 0 for none. */
  readonly staticIndex: number;
  /** Newest entry in the dynamic table. */
  newest: EncoderEntry | null = null;

  constructor(staticIndex: number) {
    this.staticIndex = staticIndex;
  }
}

/**
 * HPACK's sending side (RFC 7541). Writes into a buffer that is shared by all encoders of a worker and is valid until
 * the next `begin`:
 *
 *     encoder.begin();
 *     encoder.field("accept", "text/plain"); ...
 *     output.writeBytes(encoder.bytes, 0, encoder.length);
 */
export class HpackEncoder {
  readonly table: DynamicTable<EncoderEntry> = new DynamicTable();
  /** Names that were written and are in the static table, and names in the dynamic table. */
  readonly #names: Map<string, NameRecord> = new Map();
  #seen: Int32Array | null = null;
  /** What the peer allows and we want; the table follows with the next block. */
  bytesWanted: number = TABLE_BYTES_INITIAL;
  /** Lowest of the values since the last block: the peer must see it too (RFC 7541 section 4.2). */
  #bytesLowest: number = TABLE_BYTES_INITIAL;

  /** Where the block stands, after `begin`; changes as it grows. */
  get bytes(): Buffer {
    return scratch;
  }

  /** Bytes of the block so far. */
  get length(): number {
    return scratchLength;
  }

  /** True when the next block must announce a change of the table's size. */
  get mustResize(): boolean {
    return this.bytesWanted !== this.table.bytesMax || this.#bytesLowest < this.table.bytesMax;
  }

  /** Sets the table size, at most what the peer's SETTINGS_HEADER_TABLE_SIZE allows. */
  resize(byteCount: number): void {
    this.bytesWanted = byteCount;
    // Blocks that were remembered lack the announcement that is due now.
    this.table.generation++;
    if (byteCount < this.#bytesLowest) this.#bytesLowest = byteCount;
  }

  /** Begins a block. */
  begin(): void {
    scratchLength = 0;
    if (!this.mustResize) return;
    if (this.#bytesLowest < this.bytesWanted) this.#writeResize(this.#bytesLowest);
    this.#writeResize(this.bytesWanted);
    this.#bytesLowest = this.bytesWanted;
  }

  /** Appends a field. A field that must not stand in HTTP/2 (name or value malformed) is left out. */
  field(name: string, value: string): void {
    const record = this.#names.get(name) ?? this.#recordStatic(name);
    if (record === null) return this.#literal(name, value, 0);
    const staticIndex = record.staticIndex;
    if (staticIndex > 0) {
      const index = staticIndexOf(staticIndex, name, value);
      if (index > 0) return writeIndexed(index);
    }
    let entry = record.newest;
    for (let steps = 0; entry !== null && steps < HPACK_ENCODER_SEARCH_MAX; steps++) {
      if (entry.value === value) return writeIndexed(this.#indexOf(entry));
      entry = entry.older;
    }
    const newest = record.newest;
    this.#literal(name, value, staticIndex > 0 ? staticIndex : newest === null ? 0 : this.#indexOf(newest));
  }

  /** The record of a name of the static table, made when it is first written; null for other names. */
  #recordStatic(name: string): NameRecord | null {
    const staticIndex = STATIC_NAME_INDEX.get(name);
    if (staticIndex === undefined) return null;
    const record = new NameRecord(staticIndex);
    this.#names.set(name, record);
    return record;
  }

  #literal(name: string, value: string, nameIndex: number): void {
    if (!isFieldValue(value) || (nameIndex === 0 && name.charCodeAt(0) !== 0x3a && !isFieldName(name))) return;
    const form = this.#formOf(name, value);
    ensure(16 + name.length + value.length);
    writeInteger(form, form === INDEXING ? 6 : 4, nameIndex);
    if (nameIndex === 0) writeString(name);
    writeString(value);
    if (form === INDEXING) this.#insert(name, value);
  }

  #formOf(name: string, value: string): number {
    if (SENSITIVE_NAMES.has(name) || isNeverIndexed(name)) return NEVER_INDEXED;
    if (name === "cookie" && value.length < HPACK_SENSITIVE_COOKIE_BYTES_MAX) return NEVER_INDEXED;
    if (UNINDEXED_NAMES.has(name)) return WITHOUT_INDEXING;
    // An entry that would push out most of the others costs more than it saves.
    if ((name.length + value.length + ENTRY_OVERHEAD_BYTES) * 2 > this.table.bytesMax) return WITHOUT_INDEXING;
    return this.#isSeenAgain(name, value) ? INDEXING : WITHOUT_INDEXING;
  }

  /** True when this field was probably written before. A sampled hash: a wrong guess costs a table entry only. */
  #isSeenAgain(name: string, value: string): boolean {
    this.#seen ??= new Int32Array(SEEN_SLOTS);
    let hash = Math.imul(name.length, 31) + value.length;
    hash = Math.imul(hash, 31) + name.charCodeAt(name.length - 1);
    hash = Math.imul(hash, 31) + name.charCodeAt(name.length >> 1);
    const step = (value.length >> 3) + 1;
    for (let index = 0; index < value.length; index += step) hash = Math.imul(hash, 31) + value.charCodeAt(index);
    hash |= 1;
    const slot = (hash ^ (hash >>> 15)) & (SEEN_SLOTS - 1);
    if (this.#seen[slot] === hash) return true;
    this.#seen[slot] = hash;
    return false;
  }

  #insert(name: string, value: string): void {
    const byteCount = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    while (this.table.mustEvict(byteCount)) this.#evict();
    let record = this.#names.get(name);
    if (record === undefined) {
      record = new NameRecord(0);
      this.#names.set(name, record);
    }
    const entry = new EncoderEntry(name, value, this.table.added, record);
    this.table.add(entry);
    if (record.newest !== null) record.newest.newer = entry;
    entry.older = record.newest;
    record.newest = entry;
  }

  #evict(): void {
    const entry = this.table.evict();
    if (entry === undefined) return;
    // The oldest of the table is the oldest of its name.
    if (entry.newer !== null) entry.newer.older = null;
    else {
      entry.record.newest = null;
      if (entry.record.staticIndex === 0) this.#names.delete(entry.name);
    }
  }

  #indexOf(entry: EncoderEntry): number {
    return STATIC_INDEX_MAX + this.table.added - entry.sequence;
  }

  #writeResize(byteCount: number): void {
    ensure(8);
    writeInteger(0x20, 5, byteCount);
    this.table.bytesMax = byteCount;
    // Even where nothing is evicted, this block is one of a kind.
    this.table.generation++;
    while (this.table.mustEvict(0)) this.#evict();
  }
}

let scratch: Buffer = Buffer.allocUnsafeSlow(4096);
let scratchLength = 0;

function ensure(byteCount: number): void {
  if (scratchLength + byteCount <= scratch.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, scratchLength + byteCount));
  scratch.copy(grown, 0, 0, scratchLength);
  scratch = grown;
}

function writeIndexed(index: number): void {
  ensure(4);
  writeInteger(0x80, 7, index);
}

function writeInteger(first: number, prefixBits: number, value: number): void {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    scratch[scratchLength++] = first | value;
    return;
  }
  scratch[scratchLength++] = first | mask;
  let rest = value - mask;
  while (rest > 0x7f) {
    scratch[scratchLength++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  scratch[scratchLength++] = rest;
}

function writeString(text: string): void {
  const coded = huffmanBytes(text);
  if (coded < text.length) {
    writeInteger(0x80, 7, coded);
    scratchLength = encodeHuffman(text, scratch, scratchLength);
  } else {
    writeInteger(0, 7, text.length);
    scratchLength += writeLatin1(scratch, text, scratchLength);
  }
}
