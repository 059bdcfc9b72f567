import { assertInteger } from "@weft/kernel";
import {
  MEMO_BYTES_MAX,
  MEMO_ENTRIES_MAX,
  MEMO_REVIEW_HITS_MIN,
  MEMO_REVIEW_LOOKUPS,
  MEMO_SPARSE_SHARE,
} from "./limits.ts";

/** Bounds of a `HeadMemo`. */
export interface HeadMemoLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/**
 * What a worker remembers of heads that it has decoded, so that a head that comes again costs one look-up. One memo is
 * shared by all connections of a worker; it is divided into tables, one per options record and direction, because the
 * same bytes may mean different things under different options.
 *
 * Bounded in entries and in bytes with two generations: when the young one has half of either bound, the old one is
 * dropped and the young one becomes old; what is used moves back to the young one. `advance` does the same on demand:
 * called by a timer, it bounds how long a head (which may hold credentials) is remembered after its last use.
 */
export class HeadMemo {
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  readonly #tables: Set<HeadTable<unknown>> = new Set();
  #youngEntries: number = 0;
  #youngBytes: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when a bound is no positive integer */
  constructor(limits: HeadMemoLimits = { entriesMax: MEMO_ENTRIES_MAX, bytesMax: MEMO_BYTES_MAX }) {
    assertInteger("entriesMax", limits.entriesMax, 2, Number.MAX_SAFE_INTEGER);
    assertInteger("bytesMax", limits.bytesMax, 2, Number.MAX_SAFE_INTEGER);
    this.#entriesMax = limits.entriesMax;
    this.#bytesMax = limits.bytesMax;
  }

  /** A new table whose entries count towards this memo's bounds. */
  createTable<Entry>(): HeadTable<Entry> {
    return new HeadTable<Entry>(this);
  }

  /** Drops what was not used since the last generation began, and begins another. */
  advance(): void {
    this.#youngEntries = 0;
    this.#youngBytes = 0;
    for (const table of this.#tables) {
      if (table.advance()) this.#tables.delete(table);
    }
  }

  /** Makes room for an entry of the young generation of `table`. For tables only. */
  admit(table: HeadTable<unknown>, byteCount: number): void {
    if (this.#youngEntries * 2 >= this.#entriesMax || (this.#youngBytes + byteCount) * 2 > this.#bytesMax) {
      this.advance();
    }
    this.#youngEntries += 1;
    this.#youngBytes += byteCount;
    this.#tables.add(table);
  }

  /** Heads remembered now, in both generations. */
  get size(): number {
    let size = 0;
    for (const table of this.#tables) size += table.size;
    return size;
  }
}

/**
 * The heads decoded under one options record in one direction, by their text. Where heads hardly ever repeat (each has
 * its own request ID, say), remembering them costs more than decoding: the table then sits out most of them.
 */
export class HeadTable<Entry> {
  readonly #memo: HeadMemo;
  #young: Map<string, Entry> = new Map();
  #old: Map<string, Entry> = new Map();
  #lookups: number = 0;
  #hits: number = 0;
  #isSparse: boolean = false;
  #turn: number = 0;

  constructor(memo: HeadMemo) {
    this.#memo = memo;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Asked once per head; false: this one is better decoded without asking or telling the table. */
  takesPart(): boolean {
    if (!this.#isSparse) return true;
    this.#turn = (this.#turn + 1) & (MEMO_SPARSE_SHARE - 1);
    return this.#turn === 0;
  }

  /** What was made of the head `text`, or undefined. */
  get(text: string): Entry | undefined {
    const entry = this.#young.get(text) ?? this.#promote(text);
    if (entry !== undefined) this.#hits += 1;
    if (++this.#lookups === MEMO_REVIEW_LOOKUPS) {
      this.#isSparse = this.#hits < MEMO_REVIEW_HITS_MIN;
      this.#lookups = 0;
      this.#hits = 0;
    }
    return entry;
  }

  #promote(text: string): Entry | undefined {
    if (this.#old.size === 0) return undefined;
    const entry = this.#old.get(text);
    if (entry !== undefined) {
      this.#old.delete(text);
      this.set(text, entry);
    }
    return entry;
  }

  /** Remembers what was made of the head `text`, which is not in the table. */
  set(text: string, entry: Entry): void {
    this.#memo.admit(this, text.length);
    this.#young.set(text, entry);
  }

  /** Begins a generation; true when the table is empty now. For the memo only. */
  advance(): boolean {
    this.#old = this.#young;
    this.#young = new Map();
    return this.#old.size === 0;
  }
}
