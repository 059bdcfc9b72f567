import { Bitmap } from "@weft/kernel";
import { FEW_HOSTS_MAX } from "./limits.ts";

/** A set of host slots: a list while they are few, a bitmap from then on. */
export class SlotSet {
  #few: number[] | null = [];
  #many: Bitmap | null = null;
  #count: number = 0;

  /** How many slots are in the set. */
  get count(): number {
    return this.#count;
  }

  has(slot: number): boolean {
    return this.#few === null ? this.#many?.has(slot) === true : this.#few.includes(slot);
  }

  /** Adds a slot that is not in the set. `capacity`: no slot is as large. */
  add(slot: number, capacity: number): void {
    this.#count++;
    if (this.#few !== null) {
      if (this.#few.length < FEW_HOSTS_MAX) {
        this.#few.push(slot);
        return;
      }
      this.#many = new Bitmap(capacity);
      for (const other of this.#few) this.#many.set(other);
      this.#few = null;
    }
    const bitmap = this.#many;
    if (bitmap === null) return;
    if (slot >= bitmap.size) bitmap.grow(capacity);
    bitmap.set(slot);
  }

  /** Takes a slot out that is in the set. */
  remove(slot: number): void {
    this.#count--;
    if (this.#few === null) this.#many?.clear(slot);
    else this.#few.splice(this.#few.indexOf(slot), 1);
  }

  /** Calls `visit` with every slot; ascending in a bitmap, as they came in a list. */
  iterate(visit: (slot: number) => void): void {
    if (this.#few === null) this.#many?.iterate(visit);
    else for (const slot of this.#few) visit(slot);
  }

  /** What all of `sets` (one or more) have in common, as a set of its own. */
  static intersect(sets: readonly SlotSet[]): SlotSet {
    const result = new SlotSet();
    const bySize = sets.toSorted((a, b) => a.#count - b.#count);
    // A bitmap that lost most of its slots stays one: the list decides where there is any.
    const list = bySize.find((set) => set.#few !== null);
    if (list !== undefined) {
      result.#few = (list.#few ?? []).filter((slot) => sets.every((set) => set.has(slot)));
      result.#count = result.#few.length;
      return result;
    }
    const [smallestSet] = bySize;
    const smallest = smallestSet === undefined ? null : smallestSet.#many;
    const bitmap = smallest === null ? new Bitmap(0) : smallest.clone();
    for (const set of bySize.slice(1)) if (set.#many !== null) bitmap.and(set.#many);
    result.#few = null;
    result.#many = bitmap;
    result.#count = bitmap.count();
    return result;
  }
}
