/** Table size in bytes that both sides assume until SETTINGS say otherwise (RFC 9113 section 6.5.2). */
export const TABLE_BYTES_INITIAL = 4096;

/** Slots that a table begins with; it doubles as entries come. */
const SLOTS_MIN = 16;

/** What a dynamic table can hold. */
export interface TableEntry {
  /** Size by RFC 7541 section 4.1. */
  readonly byteLength: number;
}

/**
 * The dynamic table of RFC 7541 section 2.3.2: first in, first out, bounded in bytes. A ring, so that adding and
 * finding by index take the same time whatever is in it. Memory is taken with the first entry.
 *
 *     newest = index 0                         oldest
 *     [ e7 ][ e6 ][ e5 ][ e4 ] ...             [ e1 ]   add() puts in front, evict() takes from the back
 */
export class DynamicTable<Entry extends TableEntry> {
  /** Sum of the entries' sizes. */
  byteLength: number = 0;
  /** What `byteLength` may be. */
  bytesMax: number = TABLE_BYTES_INITIAL;
  /** How many entries there are. */
  length: number = 0;
  /** Entries added so far: entry `sequence` is at index `added - 1 - sequence`. */
  added: number = 0;
  /** Grows with every change of the content: equal generations mean equal tables. */
  generation: number = 0;
  #slots: (Entry | undefined)[] | null = null;

  /** The entry at `index`, 0 being the newest; undefined beyond the oldest. */
  get(index: number): Entry | undefined {
    const slots = this.#slots;
    if (slots === null || index >= this.length) return undefined;
    return slots[(this.added - 1 - index) & (slots.length - 1)];
  }

  /** True while an entry of `byteCount` needs room that only evicting makes. */
  mustEvict(byteCount: number): boolean {
    return this.length > 0 && this.byteLength + byteCount > this.bytesMax;
  }

  /** Takes the oldest entry out. Only call on a table that is not empty. */
  evict(): Entry | undefined {
    const slots = this.#slots;
    if (slots === null || this.length === 0) return undefined;
    const slot = (this.added - this.length) & (slots.length - 1);
    const entry = slots[slot];
    slots[slot] = undefined;
    this.length--;
    this.byteLength -= entry?.byteLength ?? 0;
    this.generation++;
    return entry;
  }

  /** Adds an entry after its room was made; one larger than the whole table is not kept (section 4.4). */
  add(entry: Entry): boolean {
    this.generation++;
    if (entry.byteLength > this.bytesMax) return false;
    let slots = this.#slots;
    if (slots === null || this.length === slots.length) slots = this.#grow();
    slots[this.added & (slots.length - 1)] = entry;
    this.added++;
    this.length++;
    this.byteLength += entry.byteLength;
    return true;
  }

  #grow(): (Entry | undefined)[] {
    const old = this.#slots;
    const slots = new Array<Entry | undefined>(old === null ? SLOTS_MIN : old.length * 2).fill(undefined);
    for (let sequence = this.added - this.length; sequence < this.added; sequence++) {
      slots[sequence & (slots.length - 1)] = old?.[sequence & (old.length - 1)];
    }
    this.#slots = slots;
    return slots;
  }
}
