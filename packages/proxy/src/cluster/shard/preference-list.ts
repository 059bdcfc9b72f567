import { PREFERENCE_SPARE_MIN, PREFERENCE_SPARE_RATIO } from "./limits.ts";
import type { HostTable } from "./host-table.ts";
import type { ShardHost } from "./order.ts";
import { encodeEntry, preferenceIn, preferenceOf, slotIn, sortEntries } from "./preference.ts";

/** The hosts that one client likes best: a sorted beginning of its order of preference, kept up to date. */
export class PreferenceList<H extends ShardHost> {
  readonly #table: HostTable<H>;
  readonly #clientHash: number;
  #entries: Float64Array = new Float64Array(0);
  /** The slots of the entries: what is read in every turn of every draft. */
  #slots: Int32Array = new Int32Array(0);
  #length: number = 0;
  /** Every host that is liked as much or more (a preference this high or lower) is in the list. */
  #worst: number = -1;

  constructor(table: HostTable<H>, clientHash: number) {
    this.#table = table;
    this.#clientHash = clientHash;
  }

  get length(): number {
    return this.#length;
  }

  /** The slot of the host at `rank`; -1 beyond the list. */
  slotAt(rank: number): number {
    return rank < this.#length ? (this.#slots[rank] ?? -1) : -1;
  }

  /** Writes the first slots that have some of `left` into `picks`. @returns how many; fewer than fit: the list is at its end */
  pickFirst(left: Int32Array, picks: Int32Array): number {
    const slots = this.#slots;
    const length = this.#length;
    let count = 0;
    for (let rank = 0; rank < length && count < picks.length; rank++) {
      const slot = slots[rank] ?? 0;
      if ((left[slot] ?? 0) > 0) picks[count++] = slot;
    }
    return count;
  }

  /** Of a host that is here. */
  preferenceFor(slot: number): number {
    return preferenceOf(this.#clientHash, this.#table.hashAt(slot), this.#table.weightAt(slot));
  }

  /** The preference up to which hosts are in the list. */
  get worst(): number {
    return this.#worst;
  }

  /**
   * Fills the list anew with every host whose preference is `worst` or less (-1 where that is not known), and with at
   * least `wanted` hosts, or all there are.
   */
  fill(wanted: number, worst: number): void {
    const table = this.#table;
    if (worst >= 0) {
      this.#collect(worst);
      if (this.#length >= Math.min(wanted, table.count)) return;
    }
    this.#collect(Number.POSITIVE_INFINITY);
    this.#cut(withSpare(wanted));
  }

  /** Takes over what the table's last update brought and took away. */
  follow(): void {
    const { added, removed } = this.#table;
    for (let index = 0; index < removed.length; index++) this.#remove(removed[index] ?? 0);
    for (let index = 0; index < added.length; index++) this.#add(added[index] ?? 0);
  }

  /** Takes a host in that came, where it is liked enough. */
  #add(slot: number): void {
    const preference = this.preferenceFor(slot);
    if (preference > this.#worst) return;
    if (this.#length === this.#entries.length) {
      const entries = new Float64Array(this.#length + (this.#length >> 2) + PREFERENCE_SPARE_MIN);
      entries.set(this.#entries);
      this.#entries = entries;
      const slots = new Int32Array(entries.length);
      slots.set(this.#slots);
      this.#slots = slots;
    }
    const entry = encodeEntry(preference, slot);
    let place = this.#placeOf(entry);
    // Where preferences are equal the host's key decides, as in the order of a whole list.
    const key = this.#table.keyAt(slot);
    while (place > 0 && this.#isEqualBefore(place, preference) && this.#keyBefore(place) > key) place--;
    while (place < this.#length && this.#isEqualBefore(place + 1, preference) && this.#keyBefore(place + 1) < key)
      place++;
    this.#entries.copyWithin(place + 1, place, this.#length);
    this.#slots.copyWithin(place + 1, place, this.#length);
    this.#entries[place] = entry;
    this.#slots[place] = slot;
    this.#length++;
  }

  /** Takes a host out that went. */
  #remove(slot: number): void {
    const preference = this.preferenceFor(slot);
    if (preference > this.#worst) return;
    // Among equals the order is by key, so slots there are sought one by one.
    let place = this.#placeOf(encodeEntry(preference, 0));
    while (place < this.#length && this.#slots[place] !== slot) place++;
    this.#entries.copyWithin(place, place + 1, this.#length);
    this.#slots.copyWithin(place, place + 1, this.#length);
    this.#length--;
  }

  /** The slots of the `count` best hosts that `isLeftOut` does not name, wherever in the whole order they are. */
  findBeyond(isLeftOut: (slot: number) => boolean, count: number): number[] {
    const found: number[] = [];
    for (let rank = 0; found.length < count && rank < this.#table.count; rank++) {
      if (rank === this.#length) this.fill(2 * rank + 1, -1);
      const slot = this.slotAt(rank);
      if (!isLeftOut(slot)) found.push(slot);
    }
    return found;
  }

  #isEqualBefore(place: number, preference: number): boolean {
    return preferenceIn(this.#entries[place - 1] ?? -1) === preference;
  }

  #keyBefore(place: number): string {
    return this.#table.keyAt(this.#slots[place - 1] ?? 0);
  }

  /** Where the first entry is that is not less. */
  #placeOf(entry: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] ?? 0) < entry) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #collect(worst: number): void {
    const table = this.#table;
    const { slotCount } = table;
    let count = 0;
    let entries = scratch.length < slotCount ? (scratch = new Float64Array(slotCount)) : scratch;
    for (let slot = 0; slot < slotCount; slot++) {
      if (table.hostAt(slot) === undefined) continue;
      const preference = preferenceOf(this.#clientHash, table.hashAt(slot), table.weightAt(slot));
      if (preference <= worst) entries[count++] = encodeEntry(preference, slot);
    }
    entries = entries.slice(0, count);
    sortEntries(entries, (slot) => table.keyAt(slot));
    this.#entries = entries;
    this.#slots = Int32Array.from(entries, slotIn);
    this.#length = count;
    this.#worst = worst;
  }

  /** Forgets what is beyond `length`, but keeps all that are liked alike. */
  #cut(length: number): void {
    if (this.#length <= length) return;
    const worst = preferenceIn(this.#entries[length - 1] ?? 0);
    let end = length;
    while (end < this.#length && preferenceIn(this.#entries[end] ?? 0) === worst) end++;
    this.#entries = this.#entries.slice(0, end);
    this.#slots = this.#slots.slice(0, end);
    this.#length = end;
    this.#worst = worst;
  }
}

/** Reused while lists are filled, one at a time. */
let scratch = new Float64Array(1024);

/** How many hosts a list is given where `wanted` are needed. */
function withSpare(wanted: number): number {
  return wanted + Math.ceil(wanted * PREFERENCE_SPARE_RATIO) + PREFERENCE_SPARE_MIN;
}
